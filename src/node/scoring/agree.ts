/** One validator's word, with the stake behind it. */
export interface Word<T> {
  readonly stake: bigint
  readonly value: T
}

/** What validators together say of a count: `ok` with the count, silence, or nothing that binds. */
export type Agreed =
  | { readonly outcome: 'ok'; readonly count: number }
  | { readonly outcome: 'failed' }
  | { readonly outcome: 'unknown' }

const MILLION = 1_000_000n

/** Whether stake is more than KAPPA of all active stake, exactly. */
export const decides = (stake: bigint, active: bigint, kappa: number): boolean =>
  stake * MILLION > active * BigInt(Math.round(kappa * 1_000_000))

export const stakeOf = (words: readonly Word<unknown>[]): bigint =>
  words.reduce((sum, { stake }) => sum + stake, 0n)

/**
 * The largest count that validators with more than KAPPA of active stake reported or exceeded; `failed` when as many
 * reported 0; else `unknown`. Absent stake never votes (notes/scoring.md §3), so a minority moves nothing.
 */
export function agree(words: readonly Word<number>[], active: bigint, kappa: number): Agreed {
  let heard = 0n
  for (const { stake, value } of words.toSorted((a, b) => b.value - a.value)) {
    if (value <= 0) break
    heard += stake
    if (decides(heard, active, kappa)) return { outcome: 'ok', count: value }
  }
  const silent = words.filter(({ value }) => value <= 0)
  return decides(stakeOf(silent), active, kappa) ? { outcome: 'failed' } : { outcome: 'unknown' }
}

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
const HALF = 0.5

/** Whether stake is more than KAPPA of all active stake, exactly. */
export const decides = (stake: bigint, active: bigint, kappa: number): boolean =>
  // Of a half, which all networks ask for, without a product: this is asked a million times for a score.
  kappa === HALF
    ? stake > active >> 1n
    : stake * MILLION > active * BigInt(Math.round(kappa * 1_000_000))

/** The stake of all words. */
export const stakeOf = (words: readonly Word<unknown>[]): bigint => stakeThat(words, () => true)

/** The stake of those words that say a certain thing. */
export function stakeThat<T>(words: readonly Word<T>[], says: (value: T) => boolean): bigint {
  let sum: bigint | undefined
  for (const { stake, value } of words) {
    if (says(value)) sum = sum === undefined ? stake : sum + stake
  }
  return sum ?? 0n
}

/**
 * The largest count that validators with more than KAPPA of active stake reported or exceeded; `failed` when as many
 * reported 0; else `unknown`. Absent stake never votes (notes/scoring.md §3), so a minority moves nothing.
 */
export const agree = (words: readonly Word<number>[], active: bigint, kappa: number): Agreed =>
  agreeOn(words, (count) => count, active, kappa)

/** The same of a count that words tell among other things. */
export function agreeOn<T>(
  words: readonly Word<T>[],
  countOf: (value: T) => number,
  active: bigint,
  kappa: number,
): Agreed {
  let heard: bigint | undefined
  // From the largest count down: words are so few that looking for the next one is less work than an order of them.
  for (let count = largestBelow(words, countOf, Number.POSITIVE_INFINITY); count > 0; ) {
    const stake = stakeThat(words, (value) => countOf(value) === count)
    heard = heard === undefined ? stake : heard + stake
    if (decides(heard, active, kappa)) return { outcome: 'ok', count }
    count = largestBelow(words, countOf, count)
  }
  const silent = stakeThat(words, (value) => countOf(value) <= 0)
  return decides(silent, active, kappa) ? { outcome: 'failed' } : { outcome: 'unknown' }
}

/** The largest positive count below a bound; 0 where none is. */
function largestBelow<T>(
  words: readonly Word<T>[],
  countOf: (value: T) => number,
  bound: number,
): number {
  let largest = 0
  for (const { value } of words) {
    const count = countOf(value)
    if (count < bound && count > largest) largest = count
  }
  return largest
}

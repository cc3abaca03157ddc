import { equalBytes } from '../bytes.ts'
import { tellTicks } from '../told-ticks.ts'
import { type Bytes, taggedHash, u32 } from './hash.ts'

/** The head before any tick: it depends on the phase's seed alone. */
export const tickStart = (seed: Bytes): Bytes => taggedHash('tickStart', seed)

/** The head after tick `k`, which claims `count` roots in all, of which `newRoots` (32 B each) are new. */
export const tickNext = (head: Bytes, k: number, count: number, newRoots: Bytes): Bytes =>
  taggedHash('tick', head, u32(k), u32(count), newRoots)

/** Whether `counts` are whole numbers, one per tick, never falling, ending at the closed total. Never throws. */
export function validCounts(
  counts: unknown,
  ticks: number,
  total: number,
): counts is readonly number[] {
  if (!Array.isArray(counts) || counts.length !== ticks || counts[ticks - 1] !== total) return false
  let last = 0
  // A loop with explicit indexes: `some` and `every` skip the holes of sparse arrays.
  for (let i = 0; i < ticks; i++) {
    const count: unknown = counts[i]
    if (!Number.isSafeInteger(count) || (count as number) < last) return false
    last = count as number
  }
  return true
}

/** Every head from tick 0 to the last, replayed from all roots (flat, 32 B each) and the count claimed at each tick. */
export function tickChain(seed: Bytes, counts: readonly number[], roots: Bytes): Bytes[] {
  const heads = [tickStart(seed)]
  for (let i = 0; i < counts.length; i++) {
    const from = i === 0 ? 0 : counts[i - 1]!
    const fresh = roots.subarray(32 * from, 32 * counts[i]!)
    heads.push(tickNext(heads[i]!, i + 1, counts[i]!, fresh))
  }
  return heads
}

/** What the close of a chain must tell of its ticks: `heads` begin before any tick, `counts` with the first. */
export const ticksOf = (heads: readonly Bytes[], counts: readonly number[]): Bytes =>
  tellTicks(counts.map((count, i) => ({ count, head: heads[i + 1]! })))

/** Whether a close tells of the ticks of the chain that was opened under it, and of no others. */
export const tellsChain = (
  { ticks }: { readonly ticks: Bytes },
  heads: readonly Bytes[],
  counts: readonly number[],
): boolean => equalBytes(ticks, ticksOf(heads, counts))

/** A chain as a proof shows it, and what is known of it from its close. */
export interface ShownChain {
  readonly seed: Bytes
  /** Roots, ticks and head that the close states. */
  readonly total: number
  readonly ticks: number
  readonly closing: Bytes
  readonly counts: readonly number[]
  readonly roots: Bytes
}

/**
 * What a chain shows of the close that tells of `told`: `wrong` where the close has its head and tells of other ticks,
 * `unproven` where it does not lead to that head. Never throws on bytes.
 */
export function judgeClose(chain: ShownChain, told: Bytes): 'right' | 'wrong' | 'unproven' {
  const { seed, total, ticks, closing, counts, roots } = chain
  if (!validCounts(counts, ticks, total) || roots.length !== 32 * total) return 'unproven'
  const heads = tickChain(seed, counts, roots)
  if (!equalBytes(heads.at(-1)!, closing)) return 'unproven'
  return tellsChain({ ticks: told }, heads, counts) ? 'right' : 'wrong'
}

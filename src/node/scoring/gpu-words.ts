import type { Testimony } from './evidence.ts'
import { type Heard, wholeOf } from './heard.ts'

type Row = Testimony['rows'][number]
type Verdict = Testimony['verdicts'][number]

/** What some validators said of a GPU in one slot, all of them the same, with the stake of them together. */
export interface GpuWord {
  readonly row: Row | undefined
  readonly verdict: Verdict | undefined
  readonly stake: bigint
}

/** A word while it is counted: stake as halves of 32 bits, whose sums are exact. */
interface Counting {
  readonly row: Row | undefined
  readonly verdict: Verdict | undefined
  high: number
  low: number
}

/**
 * What was said of every GPU, by its number, each thing once: almost all validators say one of a few things, and nothing
 * that is decided asks who said it but by stake. Goes through one validator's words after the other, as they lie in memory.
 */
export function wordsOn(count: number, heard: readonly Heard[]): GpuWord[][] {
  const counting = Array.from({ length: count }, (): Counting[] => [])
  for (const { rows, verdicts, stakeHigh, stakeLow } of heard) {
    for (let number = 0; number < count; number++) {
      const row = rows[number]
      const verdict = verdicts[number]
      if (row === undefined && verdict === undefined) continue
      const words = counting[number]!
      const same = sameOf(words, row, verdict)
      if (same === undefined) words.push({ row, verdict, high: stakeHigh, low: stakeLow })
      else {
        same.high += stakeHigh
        same.low += stakeLow
      }
    }
  }
  return counting.map((words) =>
    words.map(({ row, verdict, high, low }) => ({ row, verdict, stake: wholeOf(high, low) })),
  )
}

function sameOf(
  counting: readonly Counting[],
  row: Row | undefined,
  verdict: Verdict | undefined,
): Counting | undefined {
  for (const one of counting) {
    if (isSameRow(one.row, row) && isSameVerdict(one.verdict, verdict)) return one
  }
  return undefined
}

function isSameRow(a: Row | undefined, b: Row | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return (
    a.passes === b.passes &&
    a.steps === b.steps &&
    a.n === b.n &&
    a.bytes === b.bytes &&
    a.checkpoints === b.checkpoints &&
    a.mode === b.mode &&
    a.heads === b.heads &&
    isSameOffer(a.offer, b.offer)
  )
}

const isSameOffer = (a: Row['offer'], b: Row['offer']): boolean =>
  a === b || (a != null && b != null && a.price === b.price && a.asset === b.asset)

function isSameVerdict(a: Verdict | undefined, b: Verdict | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return (
    a.verdict === b.verdict &&
    a.heads === b.heads &&
    a.falseWitness === b.falseWitness &&
    a.locality === b.locality
  )
}

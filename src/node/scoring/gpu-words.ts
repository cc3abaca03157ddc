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

/** A word while it is counted: stake as halves of 32 bits, whose sums are exact, and whole once all are counted. */
export interface Counting extends GpuWord {
  high: number
  low: number
  stake: bigint
}

/**
 * Adds what one validator said of every GPU to what was said of it before, by its number, each thing once: almost all
 * validators say one of a few things, and nothing that is decided asks who said it but by stake.
 */
export function countWords(
  counting: Counting[][],
  { rows, verdicts, stakeHigh, stakeLow }: Heard,
): void {
  const count = Math.max(rows.length, verdicts.length)
  while (counting.length < count) counting.push([])
  for (let number = 0; number < count; number++) {
    const row = rows[number]
    const verdict = verdicts[number]
    if (row === undefined && verdict === undefined) continue
    const words = counting[number]!
    const same = sameOf(words, row, verdict)
    if (same === undefined) words.push({ row, verdict, high: stakeHigh, low: stakeLow, stake: 0n })
    else {
      same.high += stakeHigh
      same.low += stakeLow
    }
  }
}

/** What was counted, with whole stakes. */
export function wordsOf(counting: readonly Counting[]): readonly GpuWord[] {
  for (const word of counting) word.stake = wholeOf(word.high, word.low)
  return counting
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

import type { Testimony } from './evidence.ts'
import type { GpuNumbers } from './gpu-numbers.ts'

/** One validator's testimony by the numbers of GPUs, so that many GPUs and validators cost no more than their rows. */
export interface Heard {
  readonly validator: string
  readonly stake: bigint
  /** The same as two numbers, whose sums are exact. */
  readonly stakeHigh: number
  readonly stakeLow: number
  readonly rows: readonly (Testimony['rows'][number] | undefined)[]
  readonly verdicts: readonly (Testimony['verdicts'][number] | undefined)[]
}

/** Room for one validator's testimony, used again slot after slot. */
export interface Page {
  readonly rows: (Testimony['rows'][number] | undefined)[]
  readonly verdicts: (Testimony['verdicts'][number] | undefined)[]
}

/** Puts one validator's testimony in order, on a page: it stands there until the page is used again. */
export function heardFrom(
  { validator, rows, verdicts }: Testimony,
  stake: bigint,
  numbers: GpuNumbers,
  page: Page,
): Heard {
  numbers.place(rows, page.rows)
  numbers.place(verdicts, page.verdicts)
  return { validator, stake, ...halvesOf(stake), ...page }
}

const BITS = 32n

/** Stake as two numbers whose sums over any number of validators are exact. */
const halvesOf = (stake: bigint): { stakeHigh: number; stakeLow: number } => ({
  stakeHigh: Number(stake >> BITS),
  stakeLow: Number(BigInt.asUintN(Number(BITS), stake)),
})

/** The stake that sums of halves are. */
export function wholeOf(high: number, low: number): bigint {
  const sum = high * 2 ** Number(BITS) + low
  return Number.isSafeInteger(sum) ? BigInt(sum) : (BigInt(high) << BITS) + BigInt(low)
}

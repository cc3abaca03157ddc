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

/** Puts one validator's testimony in order. */
export const heardFrom = (
  { validator, rows, verdicts }: Testimony,
  stake: bigint,
  numbers: GpuNumbers,
): Heard => ({
  ...{ validator, stake, ...halvesOf(stake) },
  rows: numbers.placed(rows),
  verdicts: numbers.placed(verdicts),
})

const BITS = 32n

/** Stake as two numbers whose sums over any number of validators are exact. */
const halvesOf = (stake: bigint): { stakeHigh: number; stakeLow: number } => ({
  stakeHigh: Number(stake >> BITS),
  stakeLow: Number(BigInt.asUintN(Number(BITS), stake)),
})

/** The stake that sums of halves are. */
export const wholeOf = (high: number, low: number): bigint => (BigInt(high) << BITS) + BigInt(low)

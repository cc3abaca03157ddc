import { divide, sum } from './proportion.ts'

/** Parts of an epoch's emission, per uid, as proportions. */
export interface Parts {
  readonly miner: readonly number[]
  readonly validator: readonly number[]
  readonly both: readonly number[]
}

/**
 * Who gets which part: by incentive and dividends over the sum of both; while both are nothing, validators by active
 * stake, and by stake when nobody is active.
 */
export function emissionParts(
  incentive: readonly number[],
  dividends: readonly number[],
  activeStake: readonly number[],
  stake: readonly number[],
): Parts {
  const both = incentive.map((value, uid) => value + dividends[uid]!)
  const whole = sum(both)
  if (whole === 0) {
    const instead = sum(activeStake) === 0 ? stake : activeStake
    return { miner: incentive, validator: instead, both: instead }
  }
  const part = (value: number): number => divide(value, whole)
  return { miner: incentive.map(part), validator: dividends.map(part), both: both.map(part) }
}

/** A proportion of an amount, rounded down. */
export const amountOf = (part: number, amount: bigint): bigint => (BigInt(part) * amount) >> 32n

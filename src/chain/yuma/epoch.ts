import { bondsOf } from './bonds.ts'
import { amountOf, emissionParts } from './emission.ts'
import { between, clipColumns, columnProducts, rowSums } from './matrix.ts'
import { columnMedians } from './median.ts'
import { normalise, ofU16, toU16 } from './proportion.ts'
import { activeStakeShares, activity, seatsNext, seatsNow, stakeShares } from './stake.ts'
import type { NeuronOutcome, YumaState } from './state.ts'
import { countedWeights } from './weights.ts'

/**
 * One epoch of Yuma consensus, bit for bit as the runtime computes it (notes/chain.md §5): who gets what of `emission`
 * base units, and the bonds that the next epoch starts from. Pure; the state must be as its type says (uids below 2^16,
 * u16 values, at most 8192 neurons).
 */
export function runYuma(state: YumaState, emission: bigint): NeuronOutcome[] {
  const { neurons, parameters } = state
  const n = neurons.length
  const stake = stakeShares(state)
  const active = activity(state)
  const seats = seatsNow(state)
  const activeStake = activeStakeShares(stake, active, seats)
  const weights = countedWeights(state, seats)
  const consensus = columnMedians(weights, activeStake, ofU16(parameters.kappa), n)
  const clipped = clipColumns(weights, consensus)
  const trust = rowSums(clipped)
  const incentive = normalise(columnProducts(clipped, activeStake, n))
  const forBonds = between(weights, clipped, ofU16(parameters.bondsPenalty), n)
  const inputs = { weights: forBonds, activeStake, consensus, incentive }
  const { bonds, dividends } = bondsOf(state, inputs)
  const parts = emissionParts(incentive, dividends, activeStake, stake)
  const permits = seatsNext(state, stake)
  return neurons.map((_, uid) => ({
    stakeWeight: toU16(stake[uid]!),
    active: active[uid]!,
    permit: permits[uid]!,
    consensus: toU16(consensus[uid]!),
    incentive: toU16(incentive[uid]!),
    dividends: toU16(dividends[uid]!),
    validatorTrust: toU16(trust[uid]!),
    minerEmission: amountOf(parts.miner[uid]!, emission),
    validatorEmission: amountOf(parts.validator[uid]!, emission),
    emission: amountOf(parts.both[uid]!, emission),
    bonds: permits[uid] ? storedRow(bonds[uid]!) : [],
  }))
}

const storedRow = ({ columns, values }: { columns: Uint16Array; values: Float64Array }) =>
  Array.from(columns, (column, k) => [column, toU16(values[k]!)] as const)

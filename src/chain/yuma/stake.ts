import { normalise } from './proportion.ts'
import type { YumaState } from './state.ts'

/** Each neuron's part of the stake that counts, as a proportion: below the threshold only the owner's does. */
export function stakeShares({ neurons, ownerUid, parameters }: YumaState): number[] {
  const counted = neurons.map(({ stake }, uid) =>
    uid !== ownerUid && stake < parameters.stakeThreshold ? 0n : stake,
  )
  const whole = counted.reduce((total, stake) => total + stake, 0n)
  return counted.map((stake) => (whole === 0n ? 0 : Number((stake << 32n) / whole)))
}

/** Who is active: who set weights within the cutoff. */
export const activity = ({ neurons, block, parameters }: YumaState): boolean[] =>
  neurons.map(({ lastUpdate }) => lastUpdate + parameters.activityCutoff >= block)

/** Who has a seat in this epoch. */
export const seatsNow = ({ neurons, ownerUid }: YumaState): boolean[] =>
  neurons.map(({ permit }, uid) => permit || uid === ownerUid)

/** Who has one from the next: the highest stakes and the owner; of equal stakes the higher uid. */
export function seatsNext(
  { parameters, ownerUid }: YumaState,
  shares: readonly number[],
): boolean[] {
  const order = shares.map((_, uid) => uid).sort((a, b) => shares[a]! - shares[b]! || a - b)
  const without = new Set(order.slice(0, Math.max(0, shares.length - parameters.maxValidators)))
  return shares.map((share, uid) => uid === ownerUid || (share !== 0 && !without.has(uid)))
}

/** The stake of who is active and has a seat, as shares of their sum. */
export const activeStakeShares = (
  shares: readonly number[],
  active: readonly boolean[],
  seats: readonly boolean[],
): number[] => normalise(shares.map((share, uid) => (active[uid] && seats[uid] ? share : 0)))

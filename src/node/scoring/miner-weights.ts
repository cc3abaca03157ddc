import type { ScoringConstants } from './constants.ts'
import { q6 } from './units.ts'

/** What one hotkey brings into the division of the emission. */
export interface MinerInput {
  /** Rated units: the sum of its GPUs' terms multiplied. */
  readonly rated: number
  /** Alpha burned on chain for leases, in the unit of `emission`. */
  readonly burned: number
}

/** Paid hours that a miner's renters signed as failed, of all GPU-hours it announced. */
export interface LeaseHours {
  readonly failedPaidHours: number
  readonly gpuHours: number
}

export interface Division {
  /** By hotkey. */
  readonly weights: ReadonlyMap<string, number>
  /** What goes to the owner's uid, to be burned. */
  readonly burn: number
}

/** 1 minus the share of hours that failed renters, at most LEASE_PENALTY_MAX of it. */
export const leaseFactor = (
  { failedPaidHours, gpuHours }: LeaseHours,
  c: ScoringConstants,
): number => 1 - Math.min(c.LEASE_PENALTY_MAX, gpuHours > 0 ? failedPaidHours / gpuHours : 0)

/**
 * Weights of miners (notes/scoring.md §5): linear in rated units, a bonus for burned alpha that never pays it back,
 * and the rest of the target burned. `emission` is the alpha of all miners in the window.
 */
export function minerWeights(
  miners: ReadonlyMap<string, MinerInput>,
  emission: number,
  c: ScoringConstants,
): Division {
  const allUnits = [...miners.values()].reduce((total, { rated }) => total + rated, 0)
  const target = Math.max(c.U_TARGET, allUnits)
  const perUnit = target > 0 ? emission / target : 0
  const bonus = ({ rated, burned }: MinerInput): number =>
    perUnit > 0 ? Math.min(c.BONUS_MAX * rated, (c.BONUS_RATE * burned) / perUnit) : 0
  const weights = new Map([...miners].map(([key, one]) => [key, q6(one.rated + bonus(one))]))
  const total = [...weights.values()].reduce((sum, w) => sum + w, 0)
  const burn = Math.max(c.U_TARGET - total, (total * c.BURN_MIN) / (1 - c.BURN_MIN), 0)
  return { weights, burn: q6(burn) }
}

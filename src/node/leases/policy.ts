import { NodeError } from '../../errors.ts'
import { hoursMs } from '../../units.ts'

/** Whom a miner rents to, for how long, and how its price moves. */
export interface Policy {
  /** PeerIds that may rent; everybody when empty. */
  readonly allowRenters: readonly string[]
  /** PeerIds that may not. */
  readonly denyRenters: readonly string[]
  /** How long a lease may be; null: as the network has it. */
  readonly minLeaseMs: number | null
  readonly maxLeaseMs: number | null
  /** Leases that one renter may have at once; null: no limit. */
  readonly maxLeasesPerRenter: number | null
  /** Requests that may wait at once; 0: no queue. */
  readonly maxWaiting: number
  /** Between which the price moves, per hour for the whole machine; null: where the price itself stands. */
  readonly priceFloor: string | null
  readonly priceCeiling: string | null
  /** By how much it moves after each window; null: it does not. */
  readonly priceStepPercent: number | null
  readonly priceWindowMs: number
}

/** A queue that holds no more is read in one look, and empties within days. */
export const MAX_WAITING = 64

/** Everybody may rent, and the price stays. */
export const OPEN_POLICY: Policy = {
  allowRenters: [],
  denyRenters: [],
  minLeaseMs: null,
  maxLeaseMs: null,
  maxLeasesPerRenter: null,
  maxWaiting: MAX_WAITING,
  priceFloor: null,
  priceCeiling: null,
  priceStepPercent: null,
  priceWindowMs: hoursMs(1),
}

/** Who would have a lease, for how long. */
export interface Asks {
  readonly renter: string
  readonly durationMs: number
  /** Leases that it has here now; undefined where that does not matter yet. */
  readonly leases?: number
}

/** What a policy says against a lease, naming the rule; undefined when it says nothing. */
export function policyRefusal(policy: Policy, asks: Asks): NodeError | undefined {
  const { allowRenters, denyRenters, minLeaseMs, maxLeaseMs, maxLeasesPerRenter } = policy
  const { renter, durationMs, leases = 0 } = asks
  if (denyRenters.includes(renter)) return refused('deny-renter', 'this miner does not rent to you')
  if (allowRenters.length > 0 && !allowRenters.includes(renter)) {
    return refused('allow-renter', 'this miner rents only to whom it names')
  }
  if (minLeaseMs !== null && durationMs < minLeaseMs) {
    return refused('min-lease', `a lease here is for ${inHours(minLeaseMs)} hours at least`)
  }
  if (maxLeaseMs !== null && durationMs > maxLeaseMs) {
    return refused('max-lease', `a lease here is for ${inHours(maxLeaseMs)} hours at most`)
  }
  if (maxLeasesPerRenter !== null && leases >= maxLeasesPerRenter) {
    const many = maxLeasesPerRenter === 1 ? 'one lease' : `${maxLeasesPerRenter} leases`
    return refused('max-per-renter', `a renter has ${many} here at once`)
  }
  return undefined
}

const inHours = (ms: number): number => Number((ms / hoursMs(1)).toPrecision(3))

const refused = (rule: string, why: string): NodeError =>
  new NodeError('REFUSED_POLICY', `${why} (its rule ${rule})`, {
    next: rule.endsWith('lease') ? 'change --hours, or take another offer' : 'take another offer',
    rule,
  })

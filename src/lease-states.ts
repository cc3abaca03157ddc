/**
 * Where a lease stands; both sides use these words. GRACE: it runs, and its renter should countersign soon; SUSPENDED: it
 * is paused until the renter has; PAUSED: its renter paused it, and pays as if it ran.
 */
export const leaseStates = [
  'RESERVED',
  'QUOTED',
  'AGREED',
  'STARTING',
  'ACTIVE',
  'GRACE',
  'SUSPENDED',
  'PAUSED',
  'CLOSING',
  'SETTLED',
  'FAILED',
  'EXPIRED',
] as const
export type LeaseState = (typeof leaseStates)[number]

/** What is known of the container: `unknown` never ends a lease. */
export const healths = ['ok', 'failed', 'unknown'] as const
export type Health = (typeof healths)[number]

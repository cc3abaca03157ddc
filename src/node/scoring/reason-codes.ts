/** Why a term is what it is (notes/scoring.md §7); verdicts of validators use the same words. */
export const reasonCodes = [
  'OK',
  'RAMPING',
  'LEASED',
  'LEASED_STALE',
  'EXCLUSIVE_LEASE',
  'SILENT',
  'LATE_COMMIT',
  'OPENINGS_MISSING',
  'BAD_VALUE',
  'BAD_PATH',
  'BAD_SHAPE',
  'EQUIVOCATION',
  'SUSPENDED',
  'BELOW_MINIMUM',
  'STREAM_CAPPED',
  'TOPS_CAPPED',
  'NOT_LOCAL',
  'NO_OFFER',
  'OFFER_TOO_DEAR',
  'LEASE_REFUSED',
  'LEASE_FAILED',
  'UNKNOWN_CHECKER',
  'UNKNOWN_EXCESS',
  'NETWORK_UNKNOWN',
  'LOW_COVERAGE',
  'NOT_BOUND',
  'UNREGISTERED',
  'NO_BURN_UID',
  'NO_EVIDENCE',
  /** More stake speaks against the openings than calls them VALID. */
  'OUTVOTED',
  /** A VALID under other heads than most stake saw. */
  'OTHER_HEADS',
  /** A VALID whose witness is not of the transcript that it names. */
  'FALSE_WITNESS',
  /** A report that no commit binds. */
  'UNCOMMITTED',
  /** A proof stands against the validator. */
  'CONVICTED',
] as const
export type ReasonCode = (typeof reasonCodes)[number]

const known: ReadonlySet<string> = new Set(reasonCodes)

/** A verdict's word as a reason; one of a later version is told as what it certainly is, a bad shape. */
export function reasonOf(verdict: string): ReasonCode {
  if (verdict === 'UNAVAILABLE') return 'OPENINGS_MISSING'
  return known.has(verdict) ? (verdict as ReasonCode) : 'BAD_SHAPE'
}

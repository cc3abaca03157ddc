import { owedUnder } from './metering.ts'
import { owed } from './money.ts'
import type { Terms } from './terms.ts'

/** What a lease's money stands at, base units. */
export interface Account {
  /** Owed by the newest receipt. */
  readonly cumulative: bigint
  /** What of it the renter countersigned. */
  readonly acknowledged: bigint
  /** Up to where the renter signed in advance; 0 without. */
  readonly advance: bigint
}

/** `GRACE`: more than half of the credit is used, `SUSPENDED`: more than all of it. */
export type Standing = 'ACTIVE' | 'GRACE' | 'SUSPENDED'

type CreditTerms = Pick<Terms, 'pricePerHour' | 'creditMs'>

/** What was served and is covered by no signature of the renter, base units. */
export function unpaidOf({ cumulative, acknowledged, advance }: Account): bigint {
  const covered = acknowledged > advance ? acknowledged : advance
  return cumulative > covered ? cumulative - covered : 0n
}

/** Where an account puts a started lease. Terms without a limit (free, or of an earlier version) never suspend. */
export function standingOf(terms: CreditTerms, account: Account): Standing {
  if (terms.creditMs === undefined) return 'ACTIVE'
  const credit = owed(BigInt(terms.pricePerHour), terms.creditMs)
  const unpaid = unpaidOf(account)
  if (unpaid > credit) return 'SUSPENDED'
  return 2n * unpaid > credit ? 'GRACE' : 'ACTIVE'
}

/** How much longer a lease runs if nothing is countersigned, in ms; undefined where nothing limits it. */
export function untilSuspendedMs(terms: CreditTerms, account: Account): number | undefined {
  const price = BigInt(terms.pricePerHour)
  if (terms.creditMs === undefined || price === 0n) return undefined
  const { acknowledged, advance, cumulative } = account
  const covered = acknowledged > advance ? acknowledged : advance
  const left = covered + owed(price, terms.creditMs) - cumulative
  return left <= 0n ? 0 : Number((left * 3_600_000n) / price)
}

/**
 * Up to where a renter signs in advance that has accepted `upMs`: what the prepaid window costs from there, within the
 * cap. 0n where the terms have no window.
 */
export const advanceLimit = (terms: Terms, upMs: number): bigint =>
  terms.prepaidMs === undefined ? 0n : owedUnder(terms, upMs + terms.prepaidMs)

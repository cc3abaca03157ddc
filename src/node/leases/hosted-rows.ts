import type { Health, LeaseState } from '../../lease-states.ts'
import { untilSuspendedMs } from '../../protocols/credit.ts'
import { type EndingOwner, faultOf } from '../../protocols/lease-endings.ts'
import { formatAmount } from '../../protocols/money.ts'
import type { HostBook, HostedNow } from './host-book.ts'
import { accountOf, graceLeftMs, noticeOf } from './host-credit.ts'
import { isStarted } from './lease-machine.ts'

/** A lease as its miner sees it; amounts are decimals in `asset`. */
export interface HostedRow {
  readonly id: string
  readonly state: LeaseState
  readonly health: Health
  readonly renter: string
  readonly asset: string
  /** By the newest receipt, what of it is countersigned, and up to where was signed in advance. */
  readonly owed: string
  readonly acknowledged: string
  readonly signedAhead: string
  /** Until it is paused if nothing is countersigned, or closed when it is paused; null where nothing limits it. */
  readonly leftMs: number | null
  /** What its renter is told. */
  readonly notice: string | null
  /** Why it ends and whose doing that is; null before. */
  readonly reason: string | null
  readonly fault: EndingOwner | null
}

/** The leases of a miner that are not over, or whose containers an engine that is away may still have, newest first. */
export const hostedRows = (book: HostBook): HostedRow[] =>
  [...book.live.values()]
    .toSorted((a, b) => b.lease.createdAtMs - a.lease.createdAtMs)
    .map((now) => rowOf(book, now))

function rowOf(book: HostBook, now: HostedNow): HostedRow {
  const { id, lease, terms } = now
  const amount = (units: bigint): string => formatAmount(units, terms.asset)
  const { cumulative, acknowledged, advance } = accountOf(lease)
  return {
    id,
    state: lease.state,
    health: lease.health,
    renter: terms.renter,
    asset: terms.asset,
    owed: amount(cumulative),
    acknowledged: amount(acknowledged),
    signedAhead: amount(advance),
    leftMs: leftMs(book, now),
    notice: noticeOf(book, now) ?? null,
    reason: lease.ending?.reason ?? null,
    fault: lease.ending === undefined ? null : faultOf(lease.ending),
  }
}

function leftMs(book: HostBook, now: HostedNow): number | null {
  if (!isStarted(now.lease)) return null
  if (now.lease.state === 'SUSPENDED') return Math.max(0, graceLeftMs(book, now))
  return untilSuspendedMs(now.terms, accountOf(now.lease)) ?? null
}

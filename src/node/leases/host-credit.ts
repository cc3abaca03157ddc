import { codeOf } from '../../errors.ts'
import type { LeaseState } from '../../lease-states.ts'
import { type Account, standingOf, untilSuspendedMs } from '../../protocols/credit.ts'
import { endingOf } from '../../protocols/lease-endings.ts'
import { formatAmount } from '../../protocols/money.ts'
import type { Ending } from '../../protocols/receipts.ts'
import type { HostBook, HostedNow } from './host-book.ts'
import { advance, isStarted, type StartedState, standEvent } from './lease-machine.ts'
import type { HostedLease } from './lease-records.ts'
import { pauseLease, resumeLease } from './pause-lease.ts'
import { troubleNotice } from './troubles.ts'

/** What a lease's money stands at. */
export const accountOf = (
  lease: Pick<HostedLease, 'cumulative' | 'acknowledged' | 'advance'>,
): Account => ({
  cumulative: BigInt(lease.cumulative),
  acknowledged: BigInt(lease.acknowledged),
  advance: BigInt(lease.advance?.limit ?? 0),
})

/** Where a started lease stands, by its account and by its renter's wish. */
export function standOf({ lease, terms }: HostedNow, pausedBy = lease.pausedBy): StartedState {
  const standing = standingOf(terms, accountOf(lease))
  return standing !== 'SUSPENDED' && pausedBy?.includes('renter') === true ? 'PAUSED' : standing
}

/**
 * Brings a started lease to where its account puts it: warned in GRACE, paused in SUSPENDED, going on once its renter
 * has countersigned. Under the lease's lock.
 */
export async function weighCredit(book: HostBook, now: HostedNow): Promise<void> {
  if (!isStarted(now.lease)) return
  const { state: before } = now.lease
  const state = standOf(now)
  if (state === before) return
  if (state === 'SUSPENDED') await pauseLease(book, now, 'credit', state)
  else if (before === 'SUSPENDED') await resumeLease(book, now, 'credit', state)
  else await book.save(now, advance(now.lease, { kind: 'stand', state }))
  tellStand(book, now, before)
}

/** Tells that a started lease went from one state to the one it is in. */
export function tellStand(book: HostBook, now: HostedNow, before: LeaseState): void {
  const state = now.lease.state as StartedState
  const event = state === before ? undefined : standEvent(before, state)
  const notice = creditNotice(book, now)
  if (event === undefined) return
  book.events.emit(event, { id: now.id, ...(notice === undefined ? {} : { notice }) })
}

/** Ends a lease whose renter has not come back in time. */
export const creditEnding = (book: HostBook, now: HostedNow): Ending | undefined =>
  now.lease.state === 'SUSPENDED' && graceLeftMs(book, now) <= 0 ? endingOf('credit') : undefined

/** How long a SUSPENDED lease is kept from now on. */
export function graceLeftMs(book: HostBook, { lease, terms }: HostedNow): number {
  if (lease.state !== 'SUSPENDED') return Number.POSITIVE_INFINITY
  return (lease.pausedAtMs ?? 0) + (terms.graceMs ?? 0) - book.steadyMs()
}

/** What the renter should know now, of its devices and of its credit. */
export function noticeOf(book: HostBook, now: HostedNow): string | undefined {
  const { troubles, lease, terms, notice } = now
  const all = [creditNotice(book, now), troubleNotice(troubles, lease, terms.memoryMiB), notice]
  const said = all.filter((one) => one !== undefined)
  return said.length === 0 ? undefined : said.join('; ').slice(0, 200)
}

function creditNotice(book: HostBook, now: HostedNow): string | undefined {
  const { lease, terms } = now
  if (lease.state === 'SUSPENDED') {
    const end = new Date(book.nowMs() + Math.max(0, graceLeftMs(book, now))).toISOString()
    return `paused: what was used is not countersigned; it ends at ${end}`
  }
  if (!isStarted(lease) || standingOf(terms, accountOf(lease)) !== 'GRACE') return undefined
  const { cumulative, acknowledged } = lease
  const open = formatAmount(BigInt(cumulative) - BigInt(acknowledged), terms.asset)
  const seconds = Math.floor((untilSuspendedMs(terms, accountOf(lease)) ?? 0) / 1000)
  return `${open} ${terms.asset} are not countersigned: it is paused in about ${seconds} s of use`
}

/** Who used a machine and signed for nothing loses its standing here, and one of its reservations. */
export async function remember(book: HostBook, { terms, lease, from }: HostedNow): Promise<void> {
  await book.payers.del(terms.renter)
  if (from === undefined || lease.acknowledgedSeq > 0) return
  try {
    book.unpaid.spend(from)
  } catch (error) {
    if (codeOf(error) !== 'REFUSED_QUOTA') throw error // none is left to take
  }
}

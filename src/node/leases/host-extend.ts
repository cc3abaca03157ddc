import { messageOf, NodeError } from '../../errors.ts'
import {
  type Extended,
  type Extension,
  extendedBy,
  openExtension,
  type SignedExtension,
  sameExtension,
  sealExtension,
} from '../../protocols/extension.ts'
import type { LeaseRequest, LeaseResponse } from '../../protocols/lease.ts'
import type { Network } from '../../protocols/network.ts'
import type { Terms } from '../../protocols/terms.ts'
import { minutesMs, secondsMs } from '../../units.ts'
import { DRAIN_REASON } from './drain.ts'
import type { HostBook, HostedNow } from './host-book.ts'
import { expiryOf } from './host-look.ts'
import { lookUp } from './host-lookup.ts'
import { delaysSomebody } from './host-queue.ts'
import { hoursNow } from './host-quote.ts'
import { isPaid } from './host-run.ts'
import { isStarted } from './lease-machine.ts'
import type { HostedLease } from './lease-records.ts'
import { extendedOf } from './lease-terms.ts'
import { beyondHours } from './owners-hours.ts'
import { FREE_RAIL } from './quote.ts'

/** How long a miner stands by an extension whose money it has not seen. */
const OFFERED_MS = minutesMs(2)
/** The engine's own note of the expiry may be this much behind before it is set again. */
const EXPIRY_SLACK_MS = secondsMs(1)

type ExtendRequest = Extract<LeaseRequest, { kind: 'extend' }>
type ExtensionAnswer = Extract<LeaseResponse, { kind: 'extension' }>

/**
 * Gives a lease more time: signs the renter's extension when nothing speaks against it, and lets it count once the escrow
 * holds the new cap for long enough. Repeating it changes nothing, also after either side was restarted in between.
 * @throws REFUSED_EXTENSION with what speaks against it; BAD_MESSAGE
 */
export async function extendHosted(
  book: HostBook,
  { leaseId, extension: record }: ExtendRequest,
  peer: string,
): Promise<ExtensionAnswer> {
  const { now, lease, terms } = await lookUp(book, leaseId, ({ renter }) => renter === peer)
  const { payload } = openExtension(book.net, record, terms.renter)
  const counted = countedOf(book.net, lease, payload, terms.renter)
  if (counted !== undefined) return { kind: 'extension', extension: counted.miner, counts: true }
  if (now === undefined) throw refused('the lease has ended')
  return book.locks.run(now.id, async () => {
    const before = countedOf(book.net, now.lease, payload, terms.renter)
    if (before !== undefined) return { kind: 'extension', extension: before.miner, counts: true }
    const next = extendedBy(book.net, extendedOf(book.net, now.lease), payload)
    const miner = await agreed(book, now, { record, payload, next })
    const counts = await isCovered(book, now, next)
    if (counts) await count(book, now, { miner, renter: record })
    return { kind: 'extension', extension: miner, counts }
  })
}

/** The same extension among those that count. */
function countedOf(
  net: Network,
  { extensions = [] }: HostedLease,
  asked: Extension,
  renter: string,
): SignedExtension | undefined {
  const there = extensions[asked.seq - 1]
  if (there === undefined) return undefined
  return sameExtension(openExtension(net, there.renter, renter).payload, asked) ? there : undefined
}

interface Asked {
  readonly record: Uint8Array
  readonly payload: Extension
  readonly next: Extended
}

/** This miner's signature: the one it stands by, or a new one when nothing speaks against it. Under the lease's lock. */
async function agreed(book: HostBook, now: HostedNow, asked: Asked): Promise<Uint8Array> {
  const { record, payload, next } = asked
  const { offered } = now.lease
  if (!isStarted(now.lease)) throw refused('the lease does not run')
  if (offered !== undefined && offered.untilMs > book.nowMs()) {
    const { payload: known } = openExtension(book.net, offered.renter, now.terms.renter)
    if (sameExtension(known, payload)) return offered.miner
  }
  assertMayExtend(book, now, next.terms)
  const miner = sealExtension(book.net, book.key, payload).bytes
  const untilMs = book.nowMs() + OFFERED_MS
  await book.save(now, { ...now.lease, offered: { miner, renter: record, untilMs } })
  return miner
}

/** @throws REFUSED_EXTENSION with what speaks against more time */
function assertMayExtend(book: HostBook, now: HostedNow, terms: Terms): void {
  const { capacity } = book
  if (book.drain().sinceMs !== null) throw refused(DRAIN_REASON)
  const longest = [book.maxLeaseMs, book.policy().maxLeaseMs].map(
    (ms) => ms ?? Number.POSITIVE_INFINITY,
  )
  const maxLeaseMs = Math.min(...longest)
  if (terms.durationMs > maxLeaseMs) {
    throw refused(`a lease may be ${maxLeaseMs / 3_600_000} hours in all`)
  }
  if (now.lease.state === 'SUSPENDED') throw refused('its use is not countersigned')
  for (const device of terms.devices) {
    const bar = capacity.barOf(device)
    // What is checked before new work says nothing of work that runs.
    if (bar === undefined || bar.kind === 'unfit') continue
    throw refused(`${device} is ${bar.kind}: ${bar.reason}`)
  }
  const addMs = terms.durationMs - now.terms.durationMs
  const hours = hoursNow(book)
  const beyond = beyondHours(hours, hours.nowMs + expiryOf(now) + addMs - book.steadyMs())
  if (beyond !== undefined) throw refused(beyond)
  if (delaysSomebody(book, { id: now.id, addMs })) {
    throw refused('somebody who waits would have its turn later than it was told')
  }
}

/** Whether the money for it is locked for long enough. */
async function isCovered(
  { rail, key }: HostBook,
  now: HostedNow,
  next: Extended,
): Promise<boolean> {
  if (now.terms.rail === FREE_RAIL) return true
  if (rail === undefined) throw new NodeError('REFUSED_RAIL', 'this miner lost its way to be paid')
  const escrow = await rail.escrow.inspect(next.leaseId)
  return escrow !== undefined && isPaid(escrow, next.terms, key.publicKey)
}

/** Stored first; the engine's own note of the expiry follows, also after a restart. */
async function count(book: HostBook, now: HostedNow, signed: SignedExtension): Promise<void> {
  const { offered: _, ...lease } = now.lease
  const extensions = [...(lease.extensions ?? []), signed]
  await book.save(now, { ...(lease as HostedLease), extensions })
  book.events.emit('lease-extended', { id: now.id, expiresAtMs: expiryOf(now) })
  await keepExpiry(book, now)
}

/** Keeps the expiry with the container, where it is not: what finds the container alone knows when it ends. */
export async function keepExpiry(book: HostBook, now: HostedNow): Promise<void> {
  const { container, lease } = now
  if (container === undefined || lease.extensions === undefined) return
  const expiresAtMs = Math.ceil(book.nowMs() + expiryOf(now) - book.steadyMs())
  if (container.expiresAtMs >= expiresAtMs - EXPIRY_SLACK_MS) return
  try {
    await container.extend(expiresAtMs)
  } catch (error) {
    book.log.warn('expiry-not-kept', { lease: now.id, reason: messageOf(error) })
  }
}

const refused = (why: string): NodeError =>
  new NodeError('REFUSED_EXTENSION', `the miner gives it no more time: ${why}`, {
    next: 'it runs until its end as agreed; rent again: compute-node rent',
  })

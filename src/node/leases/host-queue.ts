import { NodeError } from '../../errors.ts'
import type { LeaseRequest, ReserveRequest } from '../../protocols/lease.ts'
import type { Line, Place } from '../../protocols/lease-queue.ts'
import type { QuotaKey } from '../../protocols/quota.ts'
import type { Terms } from '../../protocols/terms.ts'
import { secondsMs } from '../../units.ts'
import { mayHave } from './backfill.ts'
import { drainRefusal } from './drain.ts'
import { engineOf, type HostBook } from './host-book.ts'
import { expiryOf } from './host-look.ts'
import {
  hasPaid,
  hostOfOffer,
  hoursNow,
  ownOffer,
  quoteSide,
  refusalNow,
  strangersMayTake,
} from './host-quote.ts'
import { isRunning, isStarted } from './lease-machine.ts'
import { hexOf } from './lease-records.ts'
import { neverInHours } from './owners-hours.ts'
import { policyRefusal } from './policy.ts'
import { pullMsOf } from './pull-times.ts'
import { type Ahead, etasOf, type Held, meanLengthMs } from './queue-eta.ts'
import { turnsOf, whyFull } from './queue-order.ts'
import { devicesOf, draftTerms } from './quote.ts'
import { QUEUE_CHANGED, quotaKeyOf, type WaitingNow } from './waiting-line.ts'

/** Who asks, and until when it waits for the answer. */
export type Asker = QuotaKey & { readonly signal?: AbortSignal }

type Asked<K extends LeaseRequest['kind']> = Extract<LeaseRequest, { kind: K }>

/** What is told is in whole milliseconds, and told a moment later. */
const TOLD_SLACK_MS = secondsMs(1)
/** An estimate beyond this says nothing; the wire takes no more. */
const MAX_ETA_MS = 366 * 24 * 3_600_000

/**
 * Gives a request its place, after all that would refuse it at its turn was checked.
 * @throws what `reserve` would, but for want of capacity; REFUSED_QUEUE when no more may wait
 */
export async function enqueue(
  book: HostBook,
  request: Asked<'enqueue'>,
  { peerId: renter, prefix }: Asker,
): Promise<Place> {
  const offer = ownOffer(book, request.offer)
  const host = hostOfOffer(book, offer.payload)
  engineOf(host).checkImage(request.image)
  const { durationMs, exclusive } = request
  const refusal =
    drainRefusal(book) ??
    policyRefusal(book.policy(), { renter, durationMs }) ??
    neverInHours(hoursNow(book), durationMs)
  if (refusal !== undefined) throw refusal
  const terms = draftTerms(asReserve(request), offer, quoteSide(book, renter, host))
  const stranger = !(await hasPaid(book, renter))
  const one = await book.locks.run(QUEUE_CHANGED, () => {
    const why = whyFull({ renter, prefix }, book.line.all(), book.policy().maxWaiting)
    if (why !== undefined) {
      throw new NodeError('REFUSED_QUEUE', `no more may wait: ${why}`, {
        next: 'take an offer of another miner, or try again later',
      })
    }
    return book.line.join({
      renter,
      ...(prefix === undefined ? {} : { prefix }),
      stranger,
      offer: request.offer,
      image: request.image,
      durationMs,
      ...(exclusive === undefined ? {} : { exclusive }),
      devices: devicesOf(offer.payload),
      count: terms.devices.length,
    })
  })
  const { id } = one
  book.events.emit('queue-joined', { ticket: id, renter, waiting: book.line.all().length })
  callTurns(book)
  return tellPlace(book, one)
}

/** What it would reserve, with what matters only then left open. */
const asReserve = (request: Asked<'enqueue'>): ReserveRequest => ({
  ...request,
  kind: 'reserve',
  nonce: new Uint8Array(16),
  authorized: [],
})

/** Where a ticket stands, at once or when it stands elsewhere; asking keeps the place. */
export async function watchPlace(
  book: HostBook,
  { ticket, notPosition, waitMs = 0 }: Asked<'place'>,
  { peerId, signal }: Asker,
): Promise<Place> {
  const one = ticketOf(book, ticket, peerId)
  const moved = (): true | undefined =>
    book.line.get(one.id) !== one || positionOf(book, one) !== notPosition ? true : undefined
  one.asking += 1
  try {
    callTurns(book)
    const until = signal ?? book.lifetime.signal
    await book.changes.until(QUEUE_CHANGED, moved, { ms: waitMs, signal: until })
  } finally {
    one.asking -= 1
    one.seenMs = book.steadyMs()
  }
  return tellPlace(book, ticketOf(book, ticket, peerId))
}

/** Gives a place up; nothing happens when there is none. */
export async function leave(
  book: HostBook,
  { ticket }: Asked<'leave'>,
  { peerId }: Asker,
): Promise<void> {
  const one = book.line.get(hexOf(ticket))
  if (one?.renter === peerId) await dropPlace(book, one, 'left')
}

/** Forgets a place, and tells why. */
export async function dropPlace(book: HostBook, one: WaitingNow, reason: string): Promise<void> {
  await book.line.drop(one)
  book.events.emit('queue-left', { ticket: one.id, renter: one.renter, reason })
}

/** Passes on what nobody uses: places of renters that are gone, and turns. */
export async function sweepQueue(book: HostBook): Promise<void> {
  for (const one of await book.line.sweep()) {
    const reason = one.turn === undefined ? 'its renter is silent' : 'its turn was not used'
    book.events.emit('queue-left', { ticket: one.id, renter: one.renter, reason })
  }
  callTurns(book)
}

/** How many wait, and when somebody who joins now would have all of one engine, the soonest. */
export function lineOf(book: HostBook): Line {
  const ahead = book.line.order().map(aheadOf)
  const held = heldNow(book)
  const groups = Map.groupBy(book.capacity.all(), (device) => book.engines.ofDevice(device).name)
  const etas = [...groups.values()].flatMap((devices) => {
    const newcomer = { devices, count: devices.length, durationMs: 1 }
    return etasOf([...ahead, newcomer], held, meanLengthMs(book.pastMs)).at(-1) ?? []
  })
  const etaMs = etas.length === 0 ? undefined : Math.min(...etas)
  return { kind: 'line', waiting: book.line.all().length, ...eta(etaMs) }
}

/** The ticket whose turn it is, for what is asked; undefined without a ticket. */
export function turnFor(
  book: HostBook,
  request: ReserveRequest,
  peer: string,
): (WaitingNow & { readonly turn: NonNullable<WaitingNow['turn']> }) | undefined {
  if (request.ticket === undefined) return undefined
  const one = ticketOf(book, request.ticket, peer)
  const { turn, ticket } = one
  if (turn === undefined) {
    throw new NodeError('REFUSED_NO_CAPACITY', 'it is not the turn of this place yet', {
      next: 'go on waiting',
    })
  }
  const isSame =
    Buffer.compare(ticket.offer, request.offer) === 0 &&
    ticket.durationMs === request.durationMs &&
    ticket.exclusive === request.exclusive &&
    (request.devices ?? ticket.devices.length) === ticket.count
  if (!isSame) throw new NodeError('BAD_MESSAGE', 'the place is for another request')
  return Object.assign(one, { turn })
}

/** The same, for its renter: the first time that it is told for its turn is kept, and survives a restart. */
async function tellPlace(book: HostBook, one: WaitingNow): Promise<Place> {
  const place = placeOf(book, one)
  const { position, etaMs } = place
  if (position > 0 && etaMs !== undefined) await book.line.promise(one, book.steadyMs() + etaMs)
  return place
}

/** Where a ticket stands now. */
export function placeOf(book: HostBook, one: WaitingNow): Place {
  const order = book.line.order()
  const base = { ticket: one.ticket.ticket, waiting: book.line.all().length }
  if (one.turn !== undefined) {
    const turnMs = Math.max(0, one.turn.untilMs - book.steadyMs())
    return { ...base, position: 0, etaMs: 0, turnMs }
  }
  const at = order.indexOf(one)
  const ahead = order.slice(0, at + 1).map(aheadOf)
  const etaMs = etasOf(ahead, heldNow(book), meanLengthMs(book.pastMs)).at(-1)
  return { ...base, position: at + 1, ...eta(etaMs) }
}

const aheadOf = ({ devices, count, ticket: { durationMs } }: WaitingNow): Ahead => ({
  devices,
  count,
  durationMs,
})

const eta = (etaMs: number | undefined): { etaMs?: number } =>
  etaMs === undefined ? {} : { etaMs: Math.min(MAX_ETA_MS, Math.max(0, Math.round(etaMs))) }

const positionOf = (book: HostBook, one: WaitingNow): number =>
  one.turn === undefined ? 1 + book.line.order().indexOf(one) : 0

/** A place, for the renter that has it and that the miner still rents to. */
function ticketOf(book: HostBook, ticket: Uint8Array, peer: string): WaitingNow {
  const one = book.line.get(hexOf(ticket))
  if (one === undefined || one.renter !== peer) {
    const drained = drainRefusal(book)
    if (drained !== undefined) throw drained
    throw new NodeError('REFUSED_TICKET', 'there is no such place in the queue any more', {
      next: 'join again: a turn passes on when it is not used, a place when its renter is silent',
    })
  }
  const { durationMs } = one.ticket
  const refusal = policyRefusal(book.policy(), { renter: peer, durationMs })
  if (refusal === undefined) return one
  book.background(dropPlace(book, one, refusal.message))
  throw refusal
}

/** Gives turns to those who are there, as long as devices are free for them. */
export function callTurns(book: HostBook): void {
  const { line, unpaid } = book
  if (book.callingTurns) return // what a turn takes changes nothing for the better
  book.callingTurns = true
  try {
    for (;;) {
      const [next] = turnsNow(book).turns
      if (next === undefined) return
      const { request, devices } = next
      unpaid.spend(quotaKeyOf(request)) // given back when the lease is paid for
      line.giveTurn(request, devices)
      book.events.emit('queue-turn', { ticket: request.id, renter: request.renter })
    }
  } finally {
    book.callingTurns = false
  }
}

/** Who has a turn now, of those who are there, and what is kept for the first that has none yet. */
function turnsNow(book: HostBook) {
  const { line, capacity } = book
  const present = line.order().filter((one) => line.isPresent(one) && mayTake(book, one))
  const latest = heldNow(book, { latest: true }).map((one) => [one.device, one.freeInMs] as const)
  return turnsOf(present, capacity.free(), new Map(latest), (one) => holdsMs(book, one.ticket))
}

/** How long a lease may hold its devices in all: also while its image comes, which its time does not count. */
const holdsMs = (book: HostBook, { devices, durationMs, image = '' }: Wanted): number =>
  durationMs + pullMsOf({ image, engine: engineOfDevices(book, devices) }, book.pastPulls)

type Wanted = Pick<Terms, 'devices' | 'durationMs'> & { readonly image?: string | undefined }

const engineOfDevices = ({ engines }: HostBook, [device]: readonly string[]) =>
  device === undefined ? undefined : engines.ofDevice(device).name

/** Throws REFUSED_NO_CAPACITY when a lease that nobody waited for would delay who waits for more than is free. */
export function assertDelaysNobody(book: HostBook, terms: Terms): void {
  callTurns(book) // somebody may be there since a moment ago
  const { kept } = turnsNow(book)
  const { devices } = terms
  const wanted = { devices, count: devices.length, durationMs: holdsMs(book, terms) }
  if (mayHave(wanted, new Set(devices), kept) !== undefined) return
  throw new NodeError('REFUSED_NO_CAPACITY', 'somebody waits for it, and would wait longer', {
    next: 'ask for less time, wait too (rent --wait), or take another offer',
  })
}

/** A turn is a reservation that may come to nothing, and rationed as one. */
function mayTake(book: HostBook, one: WaitingNow): boolean {
  const { renter, stranger, count, durationMs } = one
  return (
    refusalNow(book, renter, durationMs) === undefined &&
    book.unpaid.has(quotaKeyOf(one)) &&
    (!stranger || strangersMayTake(book, count))
  )
}

/** An extension that is asked for: whose, and by how much its end moves. */
export interface Longer {
  readonly id: string
  readonly addMs: number
}

/**
 * Whether somebody would have its turn later than it was told first, because of an extension. Who could not be told a
 * time is not kept waiting by it beyond the longest lease there is.
 */
export function delaysSomebody(book: HostBook, longer: Longer): boolean {
  const order = book.line.order()
  const etas = (held: readonly Held[]) =>
    etasOf(order.map(aheadOf), held, meanLengthMs(book.pastMs))
  const [before, then] = [etas(heldNow(book)), etas(heldNow(book, { longer }))]
  const atMs = book.steadyMs()
  return order.some(({ ticket: { toldAtMs } }, at) => {
    const [was, is] = [before[at], then[at]]
    if (toldAtMs === undefined || was === undefined) return false
    return is === undefined || (is > was && atMs + is > toldAtMs + TOLD_SLACK_MS)
  })
}

/**
 * Until when each device of this machine is held. `latest`: turns and leases that have not begun last as long as they may;
 * else as long as leases lasted here on average.
 */
function heldNow(
  book: HostBook,
  { latest = false, longer }: { readonly latest?: boolean; readonly longer?: Longer } = {},
): Held[] {
  const { capacity } = book
  const meanMs = latest ? Number.POSITIVE_INFINITY : meanLengthMs(book.pastMs)
  const turnOf = (device: string) =>
    book.line.all().find(({ turn }) => turn?.devices.includes(device))
  const freeInMs = (device: string): number | undefined => {
    const holder = capacity.holderOf(device)
    if ((capacity.barOf(device) ?? capacity.shutOf(device)) !== undefined) return undefined
    if (holder === undefined) return 0
    const now = book.live.get(holder)
    if (now !== undefined && isStarted(now.lease)) {
      const addMs = longer?.id === holder ? longer.addMs : 0
      return Math.max(0, expiryOf(now) + addMs - book.steadyMs())
    }
    if (now !== undefined) {
      if (!isRunning(now.lease) && now.lease.state !== 'QUOTED') return 0
      return latest ? holdsMs(book, now.terms) : now.terms.durationMs
    }
    const next = turnOf(device)
    return next === undefined || meanMs === undefined
      ? undefined
      : Math.min(meanMs, latest ? holdsMs(book, next.ticket) : next.ticket.durationMs)
  }
  return capacity.all().map((device) => ({ device, freeInMs: freeInMs(device) }))
}

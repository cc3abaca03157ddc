import { randomBytes } from 'node:crypto'
import { type Deadline, deadline, sleep } from '../../clock.ts'
import { codeOf, NodeError } from '../../errors.ts'
import { type LeaseRequest, leaseProtocol } from '../../protocols/lease.ts'
import type { Line, Place } from '../../protocols/lease-queue.ts'
import type { Offer } from '../../protocols/offers.ts'
import { isRefusal } from '../../protocols/refusal.ts'
import type { Signed } from '../../protocols/signed.ts'
import { minutesMs, secondsMs } from '../../units.ts'
import { hexOf } from './lease-records.ts'
import { pricePerHour } from './quote.ts'
import type { RentBook, RentedNow } from './rent-book.ts'
import { checkCost, rentLease } from './rent-lease.ts'
import { QUEUE_GRACE_MS } from './waiting-line.ts'
import type { Wait } from './waits.ts'
import { notTaken, orderFor, type Wish } from './wish.ts'

/** Miners asked how long their queues are. */
const ASKED = 5
const ASK_MS = secondsMs(5)
/** One question for the place; a change is told at once. */
const POLL_MS = secondsMs(20)
const RETRY_MS = secondsMs(1)

/** A miner whose free offer could not be had is not asked again for this long. */
const LEFT_ALONE_MS = minutesMs(5)

/** What a miner says after which the place is gone, and another may be had. */
const placeGone: ReadonlySet<string> = new Set([
  'REFUSED_TICKET',
  'REFUSED_OFFER_GONE',
  'REFUSED_NO_CAPACITY',
  'REFUSED_DRAINING',
])

/** The offers that a wish may have, best first, as they stand when asked. */
export interface Choice {
  /** What is let, and can be waited for. */
  readonly let: () => readonly Signed<Offer>[]
  /** What is free. */
  readonly free: () => readonly Signed<Offer>[]
}

/**
 * Waits in the shortest of a few miners' queues until there is a lease, and takes what becomes free elsewhere meanwhile at
 * no higher price. Who loses its place (its miner was away too long, or its turn came while this node was) joins again;
 * the place is given up when the wait ends otherwise.
 * @throws REFUSED_NO_CAPACITY when `waitMs` passed; what the miners said when none takes one more; the signal's reason
 */
export async function waitInLine(
  book: RentBook,
  wish: Wish,
  choice: Choice,
  signal?: AbortSignal,
): Promise<RentedNow> {
  const name = wish.name ?? hexOf(randomBytes(8))
  using wait = book.waits.begin(firstRow(book, name))
  using left = leftBy(book, wait, signal)
  using limit = deadline(left.signal, Math.min(wish.waitMs ?? 0, MOST_MS))
  const elsewhere = lookElsewhere(book, { ...wish, name }, choice.free)
  try {
    for (;;) {
      const found = await shortestFirst(book, choice.let(), limit)
      const joined = await join(book, wish, found, limit)
      const now = await holdPlace(book, { ...wish, name }, { ...joined, elsewhere }, wait, limit)
      if (now !== undefined) return now
      await sleep(RETRY_MS, limit.signal)
    }
  } catch (error) {
    if (limit.expired) throw tooLong(error)
    throw error
  }
}

/** Timers take no more. */
const MOST_MS = 2 ** 31 - 1

const firstRow = (book: RentBook, name: string) => ({
  ticket: name,
  miner: '',
  position: null,
  waiting: null,
  etaMs: null,
  sinceMs: book.nowMs(),
})

/** Aborts when its person gives up, the node stops, or somebody ends the wait by its ticket. */
function leftBy({ lifetime }: RentBook, { signal: ended }: Wait, signal: AbortSignal | undefined) {
  const left = new AbortController()
  const listening = new AbortController()
  const endWith = (source: AbortSignal, reason: () => unknown): void => {
    const end = (): void => left.abort(reason())
    if (source.aborted) end()
    else source.addEventListener('abort', end, { once: true, signal: listening.signal })
  }
  endWith(ended, leftByTicket)
  endWith(lifetime.signal, () => lifetime.signal.reason)
  if (signal !== undefined) endWith(signal, () => signal.reason)
  return { signal: left.signal, [Symbol.dispose]: () => listening.abort() }
}

const leftByTicket = (): NodeError =>
  new NodeError('REFUSED_QUEUE_LEFT', 'the place in the queue was left', {
    next: 'compute-node rent --wait joins again',
  })

const tooLong = (cause: unknown): NodeError =>
  new NodeError('REFUSED_NO_CAPACITY', 'no turn came within the time given', {
    cause,
    next: 'wait longer with --wait=TIME, or take another offer',
  })

interface Queued {
  readonly offer: Signed<Offer>
  readonly line: Pick<Line, 'waiting' | 'etaMs'>
}

/** Fewest first; of as many, the soonest; who does not answer comes last. */
export const byLength = (a: Pick<Queued, 'line'>, b: Pick<Queued, 'line'>): number =>
  a.line.waiting - b.line.waiting ||
  Math.sign((a.line.etaMs ?? Number.MAX_VALUE) - (b.line.etaMs ?? Number.MAX_VALUE))

async function shortestFirst(
  book: RentBook,
  offers: readonly Signed<Offer>[],
  { signal }: Deadline,
): Promise<Queued[]> {
  const look = async (offer: Signed<Offer>): Promise<Queued> => {
    using limit = deadline(signal, ASK_MS)
    try {
      const answer = await ask(book, offer, { kind: 'line' }, limit.signal)
      if (answer.kind === 'line') return { offer, line: answer }
    } catch (error) {
      signal.throwIfAborted()
      book.log.info('queue-not-told', { peer: offer.payload.peerId, code: codeOf(error) })
    }
    return { offer, line: { waiting: Number.MAX_SAFE_INTEGER } }
  }
  const found = await Promise.all(offers.slice(0, ASKED).map(look))
  return found.toSorted(byLength)
}

interface Joined {
  readonly offer: Signed<Offer>
  readonly place: Place
}

/** Free offers that cost no more than the one that is waited for. */
interface Elsewhere {
  /** Whether there is one that was not tried of late. */
  isThere(waitedFor: Signed<Offer>): boolean
  /** Takes it; undefined when there is none, or it is gone. */
  take(waitedFor: Signed<Offer>, signal: AbortSignal): Promise<RentedNow | undefined>
}

/** One try at a time, so that the own turn is not missed over it. */
function lookElsewhere(book: RentBook, wish: Wish, free: Choice['free']): Elsewhere {
  const triedAtMs = new Map<string, number>()
  const mayTry = ({ payload: { peerId } }: Signed<Offer>): boolean =>
    book.steadyMs() - (triedAtMs.get(peerId) ?? Number.NEGATIVE_INFINITY) >= LEFT_ALONE_MS
  const first = (waitedFor: Signed<Offer>): Signed<Offer> | undefined =>
    free().find((one) => mayTry(one) && costsNoMore(wish, one, waitedFor))
  return {
    isThere: (waitedFor) => first(waitedFor) !== undefined,
    async take(waitedFor, signal) {
      const offer = first(waitedFor)
      if (offer === undefined) return undefined
      triedAtMs.set(offer.payload.peerId, book.steadyMs())
      try {
        return await rentLease(book, orderFor(wish, offer), signal)
      } catch (error) {
        signal.throwIfAborted()
        notTaken(book, wish, offer, error)
        return undefined
      }
    },
  }
}

/** Of as many devices, in the same asset. */
export function costsNoMore(
  { devices, exclusive }: Pick<Wish, 'devices' | 'exclusive'>,
  { payload: offer }: Pick<Signed<Offer>, 'payload'>,
  { payload: waitedFor }: Pick<Signed<Offer>, 'payload'>,
): boolean {
  if (offer.asset !== waitedFor.asset) return false
  const count = devices ?? waitedFor.devices.length
  if (offer.devices.length < count) return false
  if (devices === undefined && offer.devices.length !== count) return false
  return pricePerHour(offer, count, exclusive) <= pricePerHour(waitedFor, count, exclusive)
}

/** Joins the first queue that takes one more. */
async function join(
  book: RentBook,
  wish: Wish,
  found: readonly Queued[],
  { signal }: Deadline,
): Promise<Joined> {
  let refusal: unknown = new NodeError('NOTHING_MATCHED', 'no miner keeps a queue for that now', {
    next: 'compute-node offers "rentable=false" lists what is let',
  })
  const { image, durationMs, devices, exclusive } = wish
  for (const { offer } of found) {
    try {
      await checkCost(book, orderFor(wish, offer))
      const request: LeaseRequest = {
        kind: 'enqueue',
        offer: offer.bytes,
        image,
        durationMs,
        ...(devices === undefined ? {} : { devices }),
        ...(exclusive === true ? { exclusive } : {}),
      }
      return { offer, place: placeIn(await ask(book, offer, request, signal)) }
    } catch (error) {
      signal.throwIfAborted()
      refusal = notTaken(book, wish, offer, error)
    }
  }
  throw refusal
}

/** Keeps a place until its turn, and takes the lease then; undefined when the place is gone. */
async function holdPlace(
  book: RentBook,
  wish: Wish,
  { offer, place: first, elsewhere }: Joined & { readonly elsewhere: Elsewhere },
  wait: Wait,
  limit: Deadline,
): Promise<RentedNow | undefined> {
  const { ticket } = first
  try {
    for (let place = first; ; ) {
      tell(book, wish, offer, place, wait)
      if (place.position === 0) {
        return await rentLease(book, { ...orderFor(wish, offer), ticket }, limit.signal)
      }
      const found = await elsewhere.take(offer, limit.signal)
      if (found !== undefined) {
        await giveUp(book, offer, ticket)
        return found
      }
      place = await nextPlace(book, { offer, place, elsewhere }, limit)
    }
  } catch (error) {
    await giveUp(book, offer, ticket)
    if (limit.signal.aborted) throw limit.signal.reason
    if (placeGone.has(codeOf(error))) return undefined
    throw error
  }
}

/**
 * Where it stands when that changes, or when an offer comes that may be had instead; a miner that is away for a while finds
 * the place kept.
 */
async function nextPlace(
  book: RentBook,
  { offer, place, elsewhere }: Joined & { readonly elsewhere: Elsewhere },
  { signal }: Deadline,
): Promise<Place> {
  const { ticket, position } = place
  using woken = wokenBy(book, () => elsewhere.isThere(offer), signal)
  const request = { kind: 'place' as const, ticket, notPosition: position, waitMs: POLL_MS }
  const sinceMs = book.steadyMs()
  for (;;) {
    try {
      return placeIn(await ask(book, offer, request, woken.signal))
    } catch (error) {
      signal.throwIfAborted()
      if (woken.signal.aborted) return place
      const isAway = !isRefusal(error) && codeOf(error).startsWith('PEER_')
      if (!isAway || book.steadyMs() - sinceMs > POLL_MS + QUEUE_GRACE_MS) throw error
      book.log.info('queue-miner-away', { peer: offer.payload.peerId, code: codeOf(error) })
      await sleep(RETRY_MS, signal)
    }
  }
}

/** Aborts with `signal`, or as soon as an offer comes that is news. */
function wokenBy({ events }: RentBook, isNews: () => boolean, signal: AbortSignal) {
  const woken = new AbortController()
  const listening = new AbortController()
  const end = (): void => woken.abort(signal.reason)
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true, signal: listening.signal })
  events.subscribe(({ event }) => {
    if (event === 'offer-seen' && isNews()) woken.abort(new Error('an offer came'))
  }, listening.signal)
  // Since the last look.
  if (isNews()) woken.abort(new Error('an offer came'))
  return { signal: woken.signal, [Symbol.dispose]: () => listening.abort() }
}

function tell(
  book: RentBook,
  { name }: Wish,
  { payload }: Signed<Offer>,
  { ticket, position, waiting, etaMs }: Place,
  wait: Wait,
): void {
  const { peerId: miner } = payload
  const row = { ticket: hexOf(ticket), miner, position, waiting, etaMs: etaMs ?? null }
  wait.show({ ...row, sinceMs: book.nowMs() })
  book.events.emit('queue-place', { order: name ?? null, ...row })
}

/** The miner need not wait for who is gone. Not bound to the wait's signal, which has aborted as a rule. */
async function giveUp(book: RentBook, offer: Signed<Offer>, ticket: Uint8Array): Promise<void> {
  using limit = deadline(undefined, ASK_MS)
  await ask(book, offer, { kind: 'leave', ticket }, limit.signal).catch((error: unknown) =>
    book.log.info('queue-not-left', { peer: offer.payload.peerId, code: codeOf(error) }),
  )
}

const ask = (book: RentBook, offer: Signed<Offer>, request: LeaseRequest, signal: AbortSignal) =>
  book.rpc.ask(leaseProtocol, offer.payload.peerId, request, signal)

function placeIn(answer: { readonly kind: string; readonly place?: unknown }): Place {
  if (answer.kind === 'place') return answer.place as Place
  throw new NodeError('BAD_MESSAGE', 'no place where one belongs')
}

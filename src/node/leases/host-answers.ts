import { codeOf, NodeError } from '../../errors.ts'
import type { LeaseState } from '../../lease-states.ts'
import type {
  LeaseRequest,
  LeaseResponse,
  LeaseStatus,
  ReserveRequest,
} from '../../protocols/lease.ts'
import { endingOf } from '../../protocols/lease-endings.ts'
import { leaseIdOf, mayEnter, openTerms, sealTerms, type Terms } from '../../protocols/terms.ts'
import { secondsMs } from '../../units.ts'
import { giveDepositBack } from './give-back.ts'
import { engineOf, type Hold, type HostBook, type HostedNow, statusOf } from './host-book.ts'
import { noticeOf } from './host-credit.ts'
import type { HostEngine } from './host-engines.ts'
import { extendHosted } from './host-extend.ts'
import { known, lookUp, notAuthorized, unknownLease } from './host-lookup.ts'
import { pauseHosted } from './host-pause.ts'
import {
  type Asker,
  assertDelaysNobody,
  enqueue,
  leave,
  lineOf,
  turnFor,
  watchPlace,
} from './host-queue.ts'
import {
  checkPolicy,
  hasPaid,
  hostOfOffer,
  ownOffer,
  quoteSide,
  signedHere,
  strangersMayTake,
} from './host-quote.ts'
import { bringUp, closeLease, meterUntilClosed } from './host-run.ts'
import { answerVolumes, quoteVolumes, removeOwn } from './host-volumes.ts'
import { advance, isRunning } from './lease-machine.ts'
import { type HostedLease, hexOf } from './lease-records.ts'
import { draftTerms } from './quote.ts'
import { holderOfTurn, type WaitingNow } from './waiting-line.ts'

/** Answers one message of the `lease` protocol; refusals are thrown. */
export async function answerLease(
  book: HostBook,
  request: LeaseRequest,
  from: Asker,
): Promise<LeaseResponse> {
  const peer = from.peerId
  if (book.isLeaving && ['reserve', 'accept', 'enqueue', 'extend'].includes(request.kind)) {
    throw new NodeError('REFUSED_NO_CAPACITY', 'this miner stops', { next: 'take another offer' })
  }
  switch (request.kind) {
    case 'reserve':
      return { kind: 'quote', terms: await reserve(book, request, from) }
    case 'accept':
      return { kind: 'status', status: await accept(book, request, peer) }
    case 'status':
      return { kind: 'status', status: await watch(book, request, peer) }
    case 'stop':
      return { kind: 'status', status: await stop(book, request, peer) }
    case 'enqueue':
      return { kind: 'place', place: await enqueue(book, request, from) }
    case 'place':
      return { kind: 'place', place: await watchPlace(book, request, from) }
    case 'leave':
      await leave(book, request, from)
      return { kind: 'left' }
    case 'line':
      return lineOf(book)
    case 'extend':
      return extendHosted(book, request, peer)
    case 'pause':
    case 'resume':
      return { kind: 'status', status: await pauseHosted(book, request, peer) }
    case 'volumes':
      return answerVolumes(book, peer)
    case 'remove-volume':
      return removeOwn(book, peer, request.name)
  }
}

/**
 * Holds the capacity first, then quotes: two renters never get terms for the same device. What is held without pay is
 * rationed per peer and address, and strangers hold a share at once, which gives way to who has paid here before.
 */
async function reserve(
  book: HostBook,
  request: ReserveRequest,
  { peerId: peer, prefix }: Asker,
): Promise<Uint8Array> {
  checkPolicy(book, peer, request.durationMs)
  const turn = turnFor(book, request, peer)
  // Who has waited gets the price that it began to wait at.
  const offer = (turn === undefined ? ownOffer : signedHere)(book, request.offer)
  const host = hostOfOffer(book, offer.payload)
  engineOf(host).checkImage(request.image)
  const nowMs = book.nowMs()
  const terms = draftTerms(request, offer, {
    ...quoteSide(book, peer, host, turn?.turn.devices),
    volumes: quoteVolumes(book, { renter: peer, host }, request.volumes, 'draft'),
  })
  const from = { peerId: peer, prefix }
  const stranger = !(await hasPaid(book, peer))
  const hold: Hold = { from, stranger, ...(turn === undefined ? {} : { waited: true }) }
  await dropQuotes(book, (now) => now.terms.renter === peer || now.terms.acceptByMs < nowMs)
  const leaseId = leaseIdOf(book.net, terms)
  const minerTerms = sealTerms(book.net, book.key, terms).bytes
  if (turn === undefined) await holdUnpaid(book, hexOf(leaseId), terms, hold)
  else await useTurn(book, hexOf(leaseId), turn)
  try {
    // Again, because others came meanwhile: from here to `book.add` nobody does.
    quoteVolumes(book, { renter: peer, host }, terms.volumes, 'final')
  } catch (error) {
    book.capacity.release(hexOf(leaseId))
    if (turn === undefined) book.unpaid.repay(from) // nothing is held
    throw error
  }
  const { state } = advance({ state: 'RESERVED' }, { kind: 'quote' })
  const lease = onEngine(host, newLease(leaseId, state, minerTerms, nowMs))
  await book.save(book.add(lease, hold), lease)
  book.events.emit('lease-requested', { id: hexOf(leaseId), renter: peer })
  return minerTerms
}

/** Holds devices for somebody who may never pay. */
async function holdUnpaid(book: HostBook, id: string, terms: Terms, hold: Hold): Promise<void> {
  // Who has none of its ration left puts nobody out.
  book.unpaid.spend(hold.from)
  try {
    assertDelaysNobody(book, terms)
    if (!hold.stranger) await makeWay(book, terms)
    holdDevices(book, id, terms, hold)
  } catch (error) {
    book.unpaid.repay(hold.from) // nothing is held
    throw error
  }
}

/** The devices of a turn become those of a lease; its ration was taken when the turn came. */
async function useTurn(book: HostBook, id: string, turn: WaitingNow): Promise<void> {
  if (book.line.get(turn.id) !== turn) throw unusedTurn()
  book.capacity.handOver(holderOfTurn(turn.id), id)
  await book.line.drop(turn)
}

const unusedTurn = (): NodeError =>
  new NodeError('REFUSED_TICKET', 'the turn has passed on', { next: 'join the queue again' })

/** Drops the quotes of strangers on these devices, when the devices are free then. */
async function makeWay(book: HostBook, { devices }: Terms): Promise<void> {
  const isInTheWay = ({ hold, lease, terms }: HostedNow): boolean =>
    hold?.stranger === true &&
    hold.waited !== true &&
    lease.state === 'QUOTED' &&
    terms.devices.some((device) => devices.includes(device))
  const quoted = [...book.live.values()].filter(isInTheWay)
  const freed = new Set([...book.capacity.free(), ...quoted.flatMap(({ terms }) => terms.devices)])
  if (!devices.every((device) => freed.has(device))) return
  for (const now of await dropQuotes(book, isInTheWay)) {
    if (now.hold !== undefined) book.unpaid.repay(now.hold.from)
  }
}

/** Takes the devices; REFUSED_NO_CAPACITY when strangers may hold no more, or somebody has them. */
function holdDevices(book: HostBook, id: string, { devices }: Terms, hold: Hold): void {
  if (hold.stranger && !strangersMayTake(book, devices.length)) {
    throw new NodeError('REFUSED_NO_CAPACITY', 'others hold it who have not paid yet', {
      next: 'try again in a minute, or take another offer',
    })
  }
  book.capacity.reserve(id, devices)
}

const newLease = (
  leaseId: Uint8Array,
  state: LeaseState,
  minerTerms: Uint8Array,
  createdAtMs: number,
): HostedLease => ({
  leaseId,
  state,
  minerTerms,
  createdAtMs,
  health: 'unknown',
  cumulative: '0',
  acknowledgedSeq: 0,
  acknowledged: '0',
})

/** Written before anything is there: after a restart it is that engine that is asked. */
const onEngine = ({ name }: HostEngine, lease: HostedLease): HostedLease =>
  name === undefined ? lease : { ...lease, hostEngine: name }

/** Forgets quotes that nobody accepted: a peer holds at most one, and none for longer than it says. Resolves with them. */
export async function dropQuotes(
  book: HostBook,
  which: (now: HostedNow) => boolean,
): Promise<HostedNow[]> {
  const dropped: HostedNow[] = []
  for (const now of [...book.live.values()]) {
    if (now.lease.state !== 'QUOTED' || !which(now)) continue
    await book.locks.run(now.id, async () => {
      if (now.lease.state !== 'QUOTED') return // accepted while we came
      book.live.delete(now.id)
      book.capacity.release(now.id)
      await book.records.remove(now.id)
      dropped.push(now)
    })
  }
  return dropped
}

/** Both have signed: the lease is agreed, and its container starts behind the answer. Repeating it changes nothing. */
async function accept(
  book: HostBook,
  { terms: record, registryAuth, env }: Extract<LeaseRequest, { kind: 'accept' }>,
  peer: string,
): Promise<LeaseStatus> {
  const { payload: terms } = openTerms(book.net, record, 'renter')
  if (terms.renter !== peer) throw notAuthorized()
  const id = hexOf(leaseIdOf(book.net, terms))
  const now = book.live.get(id)
  if (now === undefined) return statusOf(book, await known(book, id), terms)
  const agreed = await book.locks.run(id, async () => {
    if (now.lease.state !== 'QUOTED') return false
    if (!book.live.has(id)) throw unknownLease() // dropped while we came, and its devices with it
    if (book.nowMs() > terms.acceptByMs) {
      throw new NodeError('REFUSED_EXPIRED', 'the quote has expired', { next: 'ask for a new one' })
    }
    await book.save(now, { ...advance(now.lease, { kind: 'agree' }), renterTerms: record })
    return true
  })
  if (agreed) {
    now.registryAuth = registryAuth
    now.env = env
    now.starting = bringUp(book, now)
    book.background(now.starting.then(() => meterUntilClosed(book, now)))
  }
  return statusOf(book, now.lease, terms, said(book, now))
}

async function watch(
  book: HostBook,
  { leaseId, notState, said: heard, waitMs = 0 }: Extract<LeaseRequest, { kind: 'status' }>,
  peer: string,
): Promise<LeaseStatus> {
  const { lease, terms, now } = await lookUp(book, leaseId, (terms) => mayEnter(terms, peer)).catch(
    async (error: unknown) => {
      if (codeOf(error) === 'REFUSED_UNKNOWN_LEASE') await giveDepositBack(book, leaseId, peer)
      throw error
    },
  )
  if (now === undefined) return statusOf(book, lease, terms)
  const isNews = (): boolean => heard !== undefined && (said(book, now) ?? '') !== heard
  const moved = () => (now.lease.state === notState && !isNews() ? undefined : true)
  await book.changes.until(now.id, moved, { ms: waitMs, signal: book.lifetime.signal })
  return statusOf(book, now.lease, terms, said(book, now))
}

const said = (book: HostBook, now: HostedNow): string | undefined =>
  noticeOf(book, now) ?? now.progress

async function stop(
  book: HostBook,
  { leaseId, reason, disputed }: Extract<LeaseRequest, { kind: 'stop' }>,
  peer: string,
): Promise<LeaseStatus> {
  const { lease, terms, now } = await lookUp(book, leaseId, ({ renter }) => renter === peer)
  if (now === undefined) return statusOf(book, lease, terms)
  if (isRunning(now.lease)) {
    const code = disputed === true ? 'disputed' : 'renter-stopped'
    const ending = { ...endingOf(code), ...(reason === '' ? {} : { reason }) }
    book.background(closeLease(book, now, ending))
    await book.changes.until(now.id, () => (isRunning(now.lease) ? undefined : true), {
      ms: secondsMs(10),
      signal: book.lifetime.signal,
    })
  }
  return statusOf(book, now.lease, terms)
}

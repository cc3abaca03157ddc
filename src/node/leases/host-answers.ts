import { randomBytes } from 'node:crypto'
import type { Container } from '../../containers/engine.ts'
import { NodeError } from '../../errors.ts'
import type {
  LeaseRequest,
  LeaseResponse,
  LeaseState,
  LeaseStatus,
  ReserveRequest,
} from '../../protocols/lease.ts'
import { type Offer, offerCodec } from '../../protocols/offers.ts'
import { keyOfPeerId } from '../../protocols/peer-key.ts'
import {
  openReceipt,
  RECEIPTS_PER_PAGE,
  type ReceiptsRequest,
  type ReceiptsResponse,
  receiptCodec,
} from '../../protocols/receipts.ts'
import { openRecord, recordTypes, type Signed } from '../../protocols/signed.ts'
import { leaseIdOf, mayEnter, openTerms, sealTerms, type Terms } from '../../protocols/terms.ts'
import { secondsMs } from '../../units.ts'
import { engineOf, type HostBook, type HostedNow, statusOf } from './host-book.ts'
import { bringUp, closeLease, meterUntilClosed } from './host-run.ts'
import { advance, isRunning } from './lease-machine.ts'
import { type HostedLease, hexOf } from './lease-records.ts'
import { draftTerms } from './quote.ts'

/** How long a session waits for its container to start. */
const START_WAIT_MS = secondsMs(50)

/** Answers one message of the `lease` protocol from `peer`; refusals are thrown. */
export async function answerLease(
  book: HostBook,
  request: LeaseRequest,
  peer: string,
): Promise<LeaseResponse> {
  switch (request.kind) {
    case 'reserve':
      return { kind: 'quote', terms: await reserve(book, request, peer) }
    case 'accept':
      return { kind: 'status', status: await accept(book, request.terms, peer) }
    case 'status':
      return { kind: 'status', status: await watch(book, request, peer) }
    case 'stop':
      return { kind: 'status', status: await stop(book, request, peer) }
  }
}

/** Holds the capacity first, then quotes: two renters never get terms for the same device. */
async function reserve(book: HostBook, request: ReserveRequest, peer: string): Promise<Uint8Array> {
  engineOf(book)
  const offer = ownOffer(book, request.offer)
  const nowMs = book.nowMs()
  const terms = draftTerms(request, offer, {
    net: book.net,
    renter: peer,
    miner: book.peerId,
    minerNonce: new Uint8Array(randomBytes(16)),
    rails: book.rail === undefined ? [] : [book.rail],
    memoryMiB: book.memoryMiB,
    milliCpus: book.milliCpus,
    receiptEveryMs: book.receiptEveryMs,
    nowMs,
  })
  await dropQuotes(book, (now) => now.terms.renter === peer || now.terms.acceptByMs < nowMs)
  const leaseId = leaseIdOf(book.net, terms)
  const minerTerms = sealTerms(book.net, book.key, terms).bytes
  book.capacity.reserve(hexOf(leaseId), terms.devices)
  const { state } = advance({ state: 'RESERVED' }, { kind: 'quote' })
  const lease = newLease(leaseId, state, minerTerms, nowMs)
  await book.save(book.add(lease), lease)
  book.events.emit('lease-requested', { id: hexOf(leaseId), renter: peer })
  return minerTerms
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

/** The offer, when this node signed it and stands by it. */
function ownOffer(book: HostBook, bytes: Uint8Array): Signed<Offer> {
  const offer = openRecord(book.net, recordTypes.offer, offerCodec, bytes)
  if (Buffer.compare(offer.publicKey, book.key.publicKey) !== 0) {
    throw new NodeError('BAD_MESSAGE', 'the offer is of another miner')
  }
  if (offer.payload.expiresAtMs > book.nowMs() && book.stands(offer)) return offer
  throw new NodeError('REFUSED_OFFER_GONE', 'the offer is withdrawn or expired', {
    next: 'compute-node offers shows what stands now',
  })
}

/** Forgets quotes that nobody accepted: a peer holds at most one, and none for longer than it says. */
export async function dropQuotes(
  book: HostBook,
  which: (now: HostedNow) => boolean,
): Promise<void> {
  for (const now of [...book.live.values()]) {
    if (now.lease.state !== 'QUOTED' || !which(now)) continue
    await book.locks.run(now.id, async () => {
      if (now.lease.state !== 'QUOTED') return // accepted while we came
      book.live.delete(now.id)
      book.capacity.release(now.id)
      await book.records.remove(now.id)
    })
  }
}

/** Both have signed: the lease is agreed, and its container starts behind the answer. Repeating it changes nothing. */
async function accept(book: HostBook, record: Uint8Array, peer: string): Promise<LeaseStatus> {
  const { payload: terms } = openTerms(book.net, record, 'renter')
  if (terms.renter !== peer) throw notAuthorized()
  const id = hexOf(leaseIdOf(book.net, terms))
  const now = book.live.get(id)
  if (now === undefined) return statusOf(book, await known(book, id), terms)
  const agreed = await book.locks.run(id, async () => {
    if (now.lease.state !== 'QUOTED') return false
    if (book.nowMs() > terms.acceptByMs) {
      throw new NodeError('REFUSED_EXPIRED', 'the quote has expired', { next: 'ask for a new one' })
    }
    await book.save(now, { ...advance(now.lease, { kind: 'agree' }), renterTerms: record })
    return true
  })
  if (agreed) {
    now.starting = bringUp(book, now)
    book.background(now.starting.then(() => meterUntilClosed(book, now)))
  }
  return statusOf(book, now.lease, terms, now.progress)
}

const notAuthorized = (): NodeError =>
  new NodeError('REFUSED_NOT_AUTHORIZED', 'this key is not authorized by the lease', {
    next: 'ask the renter for its own data folder, or to rent with this PeerId among the authorized',
  })

/** One answer for unknown and foreign leases, so that ids cannot be probed. */
const unknownLease = (): NodeError =>
  new NodeError('REFUSED_UNKNOWN_LEASE', 'this miner has no such lease', {
    next: 'compute-node leases lists the leases of this data folder',
  })

async function known(book: HostBook, id: string): Promise<HostedLease> {
  const lease = book.live.get(id)?.lease ?? (await book.records.get(id))
  if (lease === undefined) throw unknownLease()
  return lease
}

/** A lease and its terms, for a peer that `may` see it. */
async function lookUp(
  book: HostBook,
  leaseId: Uint8Array,
  may: (terms: Terms) => boolean,
): Promise<{ lease: HostedLease; terms: Terms; now: HostedNow | undefined }> {
  const id = hexOf(leaseId)
  const lease = await known(book, id)
  const now = book.live.get(id)
  const terms = now?.terms ?? openTerms(book.net, lease.minerTerms, 'miner').payload
  if (!may(terms)) throw notAuthorized()
  return { lease, terms, now }
}

async function watch(
  book: HostBook,
  { leaseId, notState, waitMs = 0 }: Extract<LeaseRequest, { kind: 'status' }>,
  peer: string,
): Promise<LeaseStatus> {
  const { lease, terms, now } = await lookUp(book, leaseId, (terms) => mayEnter(terms, peer))
  if (now === undefined) return statusOf(book, lease, terms)
  const moved = () => (now.lease.state === notState ? undefined : true)
  await book.changes.until(now.id, moved, { ms: waitMs, signal: book.lifetime.signal })
  return statusOf(book, now.lease, terms, now.progress)
}

async function stop(
  book: HostBook,
  { leaseId, reason }: Extract<LeaseRequest, { kind: 'stop' }>,
  peer: string,
): Promise<LeaseStatus> {
  const { lease, terms, now } = await lookUp(book, leaseId, ({ renter }) => renter === peer)
  if (now === undefined) return statusOf(book, lease, terms)
  if (isRunning(now.lease)) {
    book.background(closeLease(book, now, { outcome: 'ended', reason: reason || 'stopped' }))
    await book.changes.until(now.id, () => (isRunning(now.lease) ? undefined : true), {
      ms: secondsMs(10),
      signal: book.lifetime.signal,
    })
  }
  return statusOf(book, now.lease, terms)
}

/** Takes the renter's countersignature and hands out what is new, waiting for it as long as asked. */
export async function answerReceipts(
  book: HostBook,
  request: ReceiptsRequest,
  peer: string,
): Promise<ReceiptsResponse> {
  const { now, lease } = await lookUp(book, request.leaseId, ({ renter }) => renter === peer)
  if (now === undefined) return page(book, lease, request.have)
  if (request.countersigned !== undefined) {
    await acknowledge(book, now, request.countersigned, request.voucher)
  }
  const news = () =>
    (now.lease.meter?.seq ?? 0) > request.have || over(now.lease) ? true : undefined
  await book.changes.until(now.id, news, { ms: request.waitMs, signal: book.lifetime.signal })
  return page(book, now.lease, request.have)
}

const over = (lease: HostedLease): boolean => !isRunning(lease)

async function page(book: HostBook, lease: HostedLease, have: number): Promise<ReceiptsResponse> {
  const receipts = await book.records.receipts(hexOf(lease.leaseId), have, RECEIPTS_PER_PAGE)
  const last = have + receipts.length
  return { receipts, ended: over(lease) && last >= (lease.meter?.seq ?? 0) }
}

function acknowledge(
  book: HostBook,
  now: HostedNow,
  countersigned: Uint8Array,
  voucher: Uint8Array | undefined,
): Promise<void> {
  const renter = keyOfPeerId(now.terms.renter)
  const { payload } = openReceipt(book.net, countersigned, renter)
  return book.locks.run(now.id, async () => {
    const { leaseId, acknowledgedSeq } = now.lease
    if (payload.seq <= acknowledgedSeq || !isOpen(now.lease)) return // said before
    const [issued] = await book.records.receipts(now.id, payload.seq - 1, 1)
    const own = issued === undefined ? undefined : openReceipt(book.net, issued, book.key.publicKey)
    if (
      own === undefined ||
      !sameBytes(receiptCodec.encode(own.payload), receiptCodec.encode(payload))
    ) {
      throw new NodeError('BAD_MESSAGE', 'the countersignature is of no receipt of this lease')
    }
    const cumulative = BigInt(payload.cumulative)
    checkVoucher(book, now, cumulative, voucher, renter)
    await book.save(now, {
      ...now.lease,
      countersigned,
      acknowledgedSeq: payload.seq,
      acknowledged: payload.cumulative,
      ...(voucher === undefined ? {} : { voucher }),
    })
    book.events.emit('receipt-countersigned', {
      id: hexOf(leaseId),
      seq: payload.seq,
      cumulative: payload.cumulative,
    })
  })
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
const isOpen = (lease: HostedLease): boolean => isRunning(lease) || lease.state === 'CLOSING'

/** A ledger pays vouchers: an acknowledgement without one that the ledger takes would be worth nothing. */
function checkVoucher(
  { rail }: HostBook,
  { terms, lease }: HostedNow,
  cumulative: bigint,
  signature: Uint8Array | undefined,
  renter: Uint8Array,
): void {
  if (rail === undefined || terms.rail !== rail.name || cumulative === 0n) return
  const { leaseId } = lease
  const good =
    signature !== undefined && rail.checkVoucher({ leaseId, cumulative, signature, renter })
  if (!good) throw new NodeError('BAD_MESSAGE', 'the voucher is not what the receipt says')
}

/** The running container of a lease for a peer whose key may enter; waits while it starts. */
export async function enterLease(
  book: HostBook,
  leaseId: Uint8Array,
  peer: string,
  signal: AbortSignal,
): Promise<{ container: Container; closing: AbortSignal }> {
  const { lease, now } = await lookUp(book, leaseId, (terms) => mayEnter(terms, peer))
  const starting = (): boolean => now?.lease.state === 'AGREED' || now?.lease.state === 'STARTING'
  if (now !== undefined) {
    const ready = () => (starting() ? undefined : true)
    await book.changes.until(now.id, ready, { ms: START_WAIT_MS, signal })
  }
  if (now?.lease.state === 'ACTIVE' && now.container !== undefined) {
    return { container: now.container, closing: now.closing.signal }
  }
  if (starting() || now?.lease.state === 'ACTIVE') {
    throw new NodeError('PEER_STARTING', 'the container is not ready yet', {
      next: 'try again: pulling a large image takes a while, and so does a restart of the engine',
    })
  }
  const reason = (now?.lease ?? lease).ending?.reason ?? 'it is not running'
  throw new NodeError('FAILED_LEASE_ENDED', `the lease has ended: ${reason}`, {
    next: 'rent again: compute-node rent',
  })
}

import { randomBytes } from 'node:crypto'
import { NodeError } from '../../errors.ts'
import { type Offer, offerCodec } from '../../protocols/offers.ts'
import { openRecord, recordTypes, type Signed } from '../../protocols/signed.ts'
import { drainRefusal } from './drain.ts'
import { engineOf, type HostBook, type HostedNow } from './host-book.ts'
import type { HostEngine } from './host-engines.ts'
import { isRunning } from './lease-machine.ts'
import { type Hours, hoursRefusal } from './owners-hours.ts'
import { policyRefusal } from './policy.ts'
import type { QuoteSide } from './quote.ts'
import { strangersMayHold } from './unpaid-holds.ts'

/** The offer, when this node signed it and stands by it; REFUSED_OFFER_GONE, BAD_MESSAGE for another miner's. */
export function ownOffer(book: HostBook, bytes: Uint8Array): Signed<Offer> {
  const offer = signedHere(book, bytes)
  if (offer.payload.expiresAtMs > book.nowMs() && book.stands(offer)) return offer
  throw new NodeError('REFUSED_OFFER_GONE', 'the offer is withdrawn or expired', {
    next: 'compute-node offers shows what stands now',
  })
}

/** An offer that this node signed, whether or not it stands; BAD_MESSAGE for another miner's. */
export function signedHere(book: HostBook, bytes: Uint8Array): Signed<Offer> {
  const offer = openRecord(book.net, recordTypes.offer, offerCodec, bytes)
  if (Buffer.compare(offer.publicKey, book.key.publicKey) === 0) return offer
  throw new NodeError('BAD_MESSAGE', 'the offer is of another miner')
}

/**
 * The engine that an offer of this node is of.
 * @throws REFUSED_OFFER_GONE where its devices are on several by now: its owner moved them
 */
export function hostOfOffer(
  { engines }: HostBook,
  { devices }: Pick<Offer, 'devices'>,
): HostEngine {
  const [host, ...others] = new Set(devices.map(({ id }) => engines.ofDevice(id)))
  if (host !== undefined && others.length === 0) return host
  throw new NodeError('REFUSED_OFFER_GONE', 'its devices are on several engines by now', {
    next: 'compute-node offers shows what stands now',
  })
}

/** What this miner adds to a request of `renter` for devices of `host`; `kept`: the devices that its turn in the queue holds. */
export const quoteSide = (
  book: HostBook,
  renter: string,
  host: HostEngine,
  kept?: readonly string[] | undefined,
): QuoteSide => ({
  net: book.net,
  renter,
  miner: book.peerId,
  minerNonce: new Uint8Array(randomBytes(16)),
  rails: book.rail === undefined ? [] : [{ name: book.rail.name, asset: book.rail.caps.asset }],
  room: host.room ?? book.room,
  isolation: { ...engineOf(host).isolation },
  receiptEveryMs: book.receiptEveryMs,
  creditMs: book.creditMs,
  graceMs: book.graceMs,
  // What this node cannot prove takes nothing of its devices' time.
  proofSharePpm: host.isProven ? book.proofSharePpm : 0,
  kept,
  nowMs: book.nowMs(),
})

/** Whether a renter has paid for a lease here. */
export const hasPaid = async ({ payers }: HostBook, peer: string): Promise<boolean> =>
  (await payers.get(peer)) !== undefined

/** Leases that a renter has here; quotes that it has not accepted do not count. */
export const leasesOf = (book: HostBook, renter: string): number =>
  [...book.live.values()].filter(({ lease, terms }) => terms.renter === renter && isRunning(lease))
    .length

/** When this miner's owner lets it work. */
export const hoursNow = ({ workHours, nowMs }: HostBook): Hours => ({
  ranges: workHours?.() ?? [],
  nowMs: nowMs(),
})

/** What the miner's policy and its owner's hours say against a lease that begins now; undefined when they say nothing. */
export function refusalNow(
  book: HostBook,
  renter: string,
  durationMs: number,
): NodeError | undefined {
  const asks = { renter, durationMs, leases: leasesOf(book, renter) }
  return (
    drainRefusal(book) ??
    policyRefusal(book.policy(), asks) ??
    hoursRefusal(hoursNow(book), durationMs)
  )
}

/** Throws that. */
export function checkPolicy(book: HostBook, renter: string, durationMs: number): void {
  const refusal = refusalNow(book, renter, durationMs)
  if (refusal !== undefined) throw refusal
}

/** Whether strangers may hold so many devices more without paying, beside what their quotes and turns hold. */
export function strangersMayTake(book: HostBook, wanted: number): boolean {
  const isHeld = (now: HostedNow): boolean =>
    now.hold?.stranger === true && book.capacity.holds(now.id)
  const quoted = [...book.live.values()].filter(isHeld)
  const turns = book.line.all().filter(({ stranger }) => stranger)
  const held =
    quoted.reduce((sum, { terms }) => sum + terms.devices.length, 0) +
    turns.reduce((sum, { turn }) => sum + (turn?.devices.length ?? 0), 0)
  return strangersMayHold(wanted, held, book.capacity.size)
}

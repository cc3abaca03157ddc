import { codeOf, messageOf } from '../../errors.ts'
import { parseAmount } from '../../protocols/money.ts'
import type { Offer } from '../../protocols/offers.ts'
import type { Signed } from '../../protocols/signed.ts'
import type { RentBook } from './rent-book.ts'
import type { RentOrder } from './rent-lease.ts'

/** What a person asks for. */
export interface Wish extends Omit<RentOrder, 'offer' | 'maxPricePerHour' | 'ticket'> {
  /** A query, an offer's id, or the first 8 characters of one; empty for any offer. */
  readonly query: string
  /** Fields to order by; the first offer that can be had is taken. */
  readonly order: string
  /** Decimal, in the offer's asset. */
  readonly maxDph?: string | undefined
  /** How long to wait in a miner's queue when nothing is free; undefined: not at all. */
  readonly waitMs?: number | undefined
  /** The name under which events tell what happens to it (`order`). */
  readonly name?: string | undefined
  /** A wish with the same key is granted once: repeating it returns the same lease. */
  readonly idempotencyKey?: string | undefined
}

/** Refusals and silences after which the next offer is tried; anything else is the answer. */
const tryNext: ReadonlySet<string> = new Set([
  'REFUSED_NO_CAPACITY',
  'REFUSED_OFFER_GONE',
  'REFUSED_NO_ENGINE',
  'REFUSED_RAIL',
  'REFUSED_TERMS',
  'REFUSED_POLICY',
  'REFUSED_DRAINING',
  'REFUSED_QUEUE',
  'REFUSED_COST',
  'REFUSED_SPENDING',
  'REFUSED_IMAGE',
  'REFUSED_VOLUME',
  'PEER_UNREACHABLE',
  'PEER_TIMEOUT',
  'PEER_UNSUPPORTED',
  'PEER_QUOTE',
])
/** The order of a wish, for one offer. */
export const orderFor = (wish: Wish, offer: Signed<Offer>): RentOrder => ({
  ...wish,
  offer,
  maxPricePerHour: limitFor(wish, offer),
})

/** Tells that the next offer is tried, and why; throws what no other offer would change. */
export function notTaken(
  book: RentBook,
  { name }: Wish,
  { payload }: Signed<Offer>,
  error: unknown,
): unknown {
  const code = codeOf(error)
  if (!tryNext.has(code)) throw error
  const { peerId: miner } = payload
  book.log.info('offer-not-taken', { peer: miner, code })
  const reason = messageOf(error)
  book.events.emit('offer-not-taken', { order: name ?? null, miner, code, reason })
  return error
}

const limitFor = ({ maxDph }: Wish, { payload }: Signed<Offer>): bigint | undefined =>
  maxDph === undefined ? undefined : parseAmount(maxDph, payload.asset)

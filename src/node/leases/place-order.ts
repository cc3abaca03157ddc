import { codeOf, NodeError } from '../../errors.ts'
import { parseAmount } from '../../protocols/money.ts'
import type { Offer } from '../../protocols/offers.ts'
import { parseOrder, withDefaults } from '../../protocols/query/match.ts'
import { parseQuery } from '../../protocols/query/parse.ts'
import type { Signed } from '../../protocols/signed.ts'
import type { Offers } from '../offers.ts'
import type { RentBook, RentedNow } from './rent-book.ts'
import { type RentOrder, rentLease } from './rent-lease.ts'

/** What a person asks for. */
export interface Wish extends Omit<RentOrder, 'offer' | 'maxPricePerHour'> {
  /** A query, an offer's id, or the first 8 characters of one; empty for any offer. */
  readonly query: string
  /** Fields to order by; the first offer that can be had is taken. */
  readonly order: string
  /** Decimal, in the offer's asset. */
  readonly maxDph?: string | undefined
  /** A wish with the same key is granted once: repeating it returns the same lease. */
  readonly idempotencyKey?: string | undefined
}

/** Refusals and silences after which the next offer is tried; anything else is the answer. */
const tryNext = new Set([
  'REFUSED_NO_CAPACITY',
  'REFUSED_OFFER_GONE',
  'REFUSED_NO_ENGINE',
  'REFUSED_RAIL',
  'REFUSED_TERMS',
  'REFUSED_COST',
  'REFUSED_SPENDING',
  'REFUSED_IMAGE',
  'PEER_UNREACHABLE',
  'PEER_TIMEOUT',
  'PEER_UNSUPPORTED',
  'PEER_QUOTE',
])
/** Offers tried at most, so that a wish fails within reasonable time. */
const MAX_TRIES = 8

/**
 * Grants a wish from the standing offers, in their order, going on to the next where one cannot be had.
 * @throws NOTHING_MATCHED when no offer fits; else what the last miner said
 */
export function placeOrder(
  book: RentBook,
  offers: Pick<Offers, 'find' | 'search'>,
  wish: Wish,
  signal?: AbortSignal,
): Promise<RentedNow> {
  const { idempotencyKey: key } = wish
  if (key === undefined) return takeFirst(book, offers, wish, signal)
  return book.locks.run(`order ${key}`, async () => {
    const granted = (await book.records.all()).find((lease) => lease.idempotencyKey === key)
    if (granted === undefined) return takeFirst(book, offers, wish, signal)
    const id = Buffer.from(granted.leaseId).toString('hex')
    return book.live.get(id) ?? book.view(granted)
  })
}

async function takeFirst(
  book: RentBook,
  offers: Pick<Offers, 'find' | 'search'>,
  wish: Wish,
  signal: AbortSignal | undefined,
): Promise<RentedNow> {
  const found = candidates(offers, wish)
  if (found.length === 0) {
    throw new NodeError('NOTHING_MATCHED', 'no standing offer matches', {
      next: 'compute-node offers lists what stands',
    })
  }
  let refusal: unknown
  for (const offer of found.slice(0, MAX_TRIES)) {
    try {
      const maxPricePerHour = limitFor(wish, offer)
      return await rentLease(book, { ...wish, offer, maxPricePerHour }, signal)
    } catch (error) {
      if (!tryNext.has(codeOf(error))) throw error
      refusal = error
      book.log.info('offer-not-taken', { peer: offer.payload.peerId, code: codeOf(error) })
    }
  }
  throw refusal
}

const limitFor = ({ maxDph }: Wish, { payload }: Signed<Offer>): bigint | undefined =>
  maxDph === undefined ? undefined : parseAmount(maxDph, payload.asset)

/** An offer by its id, or all that a query asks for below the price limit. */
function candidates(
  offers: Pick<Offers, 'find' | 'search'>,
  { query, order, maxDph, exclusive }: Wish,
): Signed<Offer>[] {
  if (/^[0-9a-f]{8,64}$/.test(query)) {
    const named = offers.find(query)
    return named === undefined ? [] : [named]
  }
  const defaults = [parseQuery('rentable=true')]
  const price = exclusive === true ? 'exclusive_dph' : 'dph'
  if (maxDph !== undefined) defaults.push(parseQuery(`${price}<=${maxDph}`))
  const wanted = withDefaults(parseQuery(query), defaults)
  const found = offers.search(wanted, parseOrder(order)).map(({ record }) => record)
  return exclusive === true
    ? found.filter(({ payload }) => payload.exclusiveDph !== undefined)
    : found
}

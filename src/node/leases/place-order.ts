import { codeOf, NodeError } from '../../errors.ts'
import type { Offer } from '../../protocols/offers.ts'
import type { Signed } from '../../protocols/signed.ts'
import { parseOrder, withDefaults } from '../../query/match.ts'
import { parseQuery } from '../../query/parse.ts'
import type { Offers } from '../offers.ts'
import type { RentBook, RentedNow } from './rent-book.ts'
import { rentLease } from './rent-lease.ts'
import { volumeHomes } from './rent-volumes.ts'
import { waitInLine } from './wait-in-line.ts'
import { notTaken, orderFor, type Wish } from './wish.ts'

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
  const homes = await volumeHomes(book, wish.volumes ?? [])
  const fitting = (free: boolean) =>
    candidates(offers, wish, free).filter(
      ({ payload }) => homes === undefined || homes.has(payload.peerId),
    )
  const found = fitting(true)
  if (homes !== undefined && fitting(false).length + found.length === 0) {
    throw new NodeError('NOTHING_MATCHED', 'no offer of the miner that keeps this volume matches', {
      next: 'compute-node volumes names it: try again later; another name is a new volume',
    })
  }
  let refusal: unknown
  const full: Signed<Offer>[] = []
  for (const offer of found.slice(0, MAX_TRIES)) {
    try {
      return await rentLease(book, orderFor(wish, offer), signal)
    } catch (error) {
      refusal = notTaken(book, wish, offer, error)
      if (codeOf(error) === 'REFUSED_NO_CAPACITY') full.push(offer)
    }
  }
  if (wish.waitMs !== undefined) {
    const choice = {
      let: () => uniqueMiners([...fitting(false), ...full]),
      free: () => fitting(true).filter((offer) => !full.includes(offer)),
    }
    if (choice.let().length > 0) return waitInLine(book, wish, choice, signal)
  }
  throw refusal ?? nothingMatched(fitting(false).length)
}

/** One queue per machine: the first of a miner's offers is what one waits for. */
const uniqueMiners = (offers: readonly Signed<Offer>[]): Signed<Offer>[] =>
  [
    ...new Map(offers.toReversed().map((offer) => [offer.payload.peerId, offer])).values(),
  ].toReversed()

const nothingMatched = (taken: number): NodeError =>
  new NodeError('NOTHING_MATCHED', 'no standing offer matches', {
    next:
      taken === 0
        ? 'compute-node offers lists what stands'
        : `${taken} that ${taken === 1 ? 'matches is' : 'match are'} let at the moment: compute-node rent --wait waits for one`,
  })

/** An offer by its id, or all that a query asks for below the price limit: those that are free, or those that are let. */
function candidates(
  offers: Pick<Offers, 'find' | 'search'>,
  { query, order, maxDph, exclusive }: Wish,
  free: boolean,
): Signed<Offer>[] {
  if (/^[0-9a-f]{8,64}$/.test(query)) {
    const named = offers.find(query)
    return named === undefined || (named.payload.taken !== true) !== free ? [] : [named]
  }
  const defaults = [parseQuery(`rentable=${free}`)]
  const price = exclusive === true ? 'exclusive_dph' : 'dph'
  if (maxDph !== undefined) defaults.push(parseQuery(`${price}<=${maxDph}`))
  const wanted = withDefaults(parseQuery(query), defaults)
  const found = offers.search(wanted, parseOrder(order)).map(({ record }) => record)
  return exclusive === true
    ? found.filter(({ payload }) => payload.exclusiveDph !== undefined)
    : found
}

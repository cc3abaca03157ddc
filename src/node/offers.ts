import {
  noticesTopic,
  type Offer,
  offerCodec,
  offerId,
  offerKind,
  offersTopic,
  type Withdrawal,
  withdrawalCodec,
  withdrawalKind,
} from '../protocols/offers.ts'
import { openRecord, recordTypes, type Signed } from '../protocols/signed.ts'
import { admits, type Verdict } from '../protocols/topic.ts'
import type { Facts } from '../query/fields.ts'
import { matches, type Order } from '../query/match.ts'
import type { Query } from '../query/parse.ts'
import { inOrderOfArrival } from './arrivals.ts'
import type { Book } from './books.ts'
import type { Core } from './core.ts'
import { factsOf, type Standing } from './offer-facts.ts'
import { type BookChange, OrderBook, type OwnerOf, sameTerms } from './order-book.ts'
import type { Bucket } from './store.ts'

/** An offer with what is known of it, under the names of the query language. */
export interface Listing {
  readonly record: Signed<Offer>
  readonly facts: Facts
}

/** The market as this node sees it: what stands, kept in the store, searched by query. */
export interface Offers {
  readonly books: readonly Book[]
  /** Judges and keeps an offer, one's own or a peer's. */
  admit(record: Signed<Offer>): Promise<Verdict>
  withdraw(record: Signed<Withdrawal>): Promise<Verdict>
  /** Standing offers that a query asks for, in order. */
  search(query: Query, order?: Order): Listing[]
  /** The standing offer of an id in hex, or of its first 8 characters or more; the id of one of its records will do. */
  find(id: string): Signed<Offer> | undefined
  standing(): Signed<Offer>[]
  /** Whether what an offer says still stands: itself, or a repetition of it. */
  stands(record: Signed<Offer>): boolean
  /** Forgets what expired. */
  sweep(): Promise<void>
}

export interface OffersOptions {
  /** Whose quota a peer's offers count against; undefined when it may not publish. */
  readonly ownerOf: OwnerOf
  /** What is known of a miner from elsewhere: its score, its proofs. */
  readonly standingOf?: (offer: Offer) => Standing
}

type OffersCore = Pick<Core, 'net' | 'store' | 'events' | 'log' | 'nowMs'>

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Loads what stood when this node stopped, and goes on from there. */
export async function createOffers(core: OffersCore, options: OffersOptions): Promise<Offers> {
  const { net, store, events, nowMs } = core
  const nameOf = (record: Signed<Offer>): string => hex(offerId(net, record))
  const bucket = store.bucket('offers')
  const book = new OrderBook(options.ownerOf)
  await restore(core, bucket, book)

  async function apply({ verdict, put, remove = [] }: BookChange): Promise<Verdict> {
    const puts = put === undefined ? [] : [{ type: 'put' as const, key: put.key, value: put.bytes }]
    const dels = remove.map((key) => ({ type: 'del' as const, key }))
    if (puts.length + dels.length > 0) await bucket.batch([...dels, ...puts])
    return verdict
  }

  const offers: Offers = {
    books: [],
    async admit(record) {
      const { peerId, dph, asset, devices } = record.payload
      const change = book.admit(record, nowMs())
      const verdict = await apply(change)
      if (change.isNews === true) {
        const what = devices.map((one) => one.name).join(', ')
        events.emit('offer-seen', { id: nameOf(record), peer: peerId, dph, asset, what })
      }
      return verdict
    },
    async withdraw(record) {
      const verdict = await apply(book.withdraw(record, nowMs()))
      const { peerId, lot } = record.payload
      if (verdict === 'accept') events.emit('offer-withdrawn', { peer: peerId, lot })
      return verdict
    },
    search(query, order) {
      const listings = book.offers(nowMs()).map((record) => listing(core, record, options))
      const found = listings.filter(({ facts }) => matches(query, facts))
      return order === undefined ? found : found.toSorted((a, b) => order(a.facts, b.facts))
    },
    find(id) {
      const found = book
        .offers(nowMs())
        .filter((record) => [nameOf(record), hex(record.id)].some((one) => one.startsWith(id)))
      return id.length >= 8 && found.length === 1 ? found[0] : undefined
    },
    standing: () => book.offers(nowMs()),
    stands({ payload }) {
      const { peerId, lot } = payload
      const now = book
        .offers(nowMs())
        .find((r) => r.payload.peerId === peerId && r.payload.lot === lot)
      return now !== undefined && sameTerms(now.payload, payload)
    },
    async sweep() {
      const { expired, remove } = book.sweep(nowMs())
      await apply({ verdict: 'accept', remove })
      for (const record of expired) {
        events.emit('offer-expired', { id: nameOf(record), peer: record.payload.peerId })
      }
    },
  }
  return { ...offers, books: booksOf(offers, book, core) }
}

const listing = (
  { net }: OffersCore,
  record: Signed<Offer>,
  { standingOf }: OffersOptions,
): Listing => ({
  record,
  facts: factsOf(net, record, { rentable: true, ...standingOf?.(record.payload) }),
})

/** Offers and their withdrawals travel on two topics; each is served to those who come later. */
function booksOf(offers: Offers, book: OrderBook, { nowMs }: Pick<Core, 'nowMs'>): Book[] {
  const known = (id: Uint8Array): boolean => book.knows(id)
  return [
    {
      topic: offersTopic,
      admissions: [admits(offerKind, offers.admit)],
      known,
      records: inOrderOfArrival(() => book.offers(nowMs()).map(({ bytes }) => bytes)),
    },
    {
      topic: noticesTopic,
      admissions: [admits(withdrawalKind, offers.withdraw)],
      known,
      records: inOrderOfArrival(() => book.withdrawals().map(({ bytes }) => bytes)),
    },
  ]
}

/** Reads the store back through the same judgement; what no longer holds is deleted. */
async function restore(core: OffersCore, bucket: Bucket, book: OrderBook): Promise<void> {
  const { net, log, nowMs } = core
  const stale: string[] = []
  // Tombstones first (`gone/` sorts before `live/`): what they end must not stand again.
  for await (const [key, bytes] of bucket.iterator()) {
    try {
      const { verdict } = key.startsWith('gone/')
        ? book.withdraw(openRecord(net, recordTypes.withdrawal, withdrawalCodec, bytes), nowMs())
        : book.admit(openRecord(net, recordTypes.offer, offerCodec, bytes), nowMs())
      if (verdict !== 'accept') stale.push(key)
    } catch (error) {
      log.error('stored-offer-unreadable', error, { key })
      stale.push(key)
    }
  }
  if (stale.length > 0) await bucket.batch(stale.map((key) => ({ type: 'del' as const, key })))
}

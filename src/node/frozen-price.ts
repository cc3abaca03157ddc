import type { Offer } from '../protocols/offers.ts'
import { sameTerms } from './order-book.ts'

/**
 * Whether `offer` differs from one that stands in nothing but its price and how long a lease may be: its miner changed
 * those, and what it signed before counts until it expires.
 */
export const isEarlierPrice = (offer: Offer, standing: readonly Offer[]): boolean =>
  standing.some(
    (now) =>
      now.peerId === offer.peerId &&
      now.lot === offer.lot &&
      now.seq > offer.seq &&
      sameTerms(withoutPrice(now), withoutPrice(offer)),
  )

const withoutPrice = ({ exclusiveDph, ...offer }: Offer): Offer => ({
  ...offer,
  seq: 0,
  dph: '0',
  ...(exclusiveDph === undefined ? {} : { exclusiveDph: '0' }),
  terms: { ...offer.terms, minLeaseMs: 0, maxLeaseMs: 0 },
})

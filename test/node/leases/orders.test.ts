import { expect, test } from 'vitest'
import { findLease } from '../../../src/node/leases/find-lease.ts'
import { placeOrder } from '../../../src/node/leases/place-order.ts'
import type { Wish } from '../../../src/node/leases/wish.ts'
import { factsOf } from '../../../src/node/offer-facts.ts'
import type { Offers } from '../../../src/node/offers.ts'
import { followAll } from '../../../src/node/services/rent.ts'
import { type Offer, offerId } from '../../../src/protocols/offers.ts'
import type { Signed } from '../../../src/protocols/signed.ts'
import { matches } from '../../../src/query/match.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import { net } from '../../support/lease.ts'
import { freshKey, startMiner, startRenter, stopLease } from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'

type Search = Pick<Offers, 'search' | 'find'>

const nameOf = (offer: Signed<Offer>): string => Buffer.from(offerId(net, offer)).toString('hex')

/** A book of exactly these offers. */
const bookOf = (offers: readonly Signed<Offer>[]): Search => ({
  find: (id) => offers.find((offer) => nameOf(offer).startsWith(id)),
  search: (query, order) =>
    offers
      .map((record) => ({ record, facts: factsOf(net, record, { rentable: true }) }))
      .filter(({ facts }) => matches(query, facts))
      .toSorted((a, b) => order?.(a.facts, b.facts) ?? 0),
})

const wish = (changes: Partial<Wish> = {}): Wish => ({
  query: '',
  order: 'dph',
  image: 'busybox:1.37',
  durationMs: 60_000,
  ...changes,
})

/** Two miners, one cheaper than the other, and a renter with money. */
async function twoMiners() {
  const ledger = new FakeLedger()
  const engine = new FakeEngine()
  const cheap = await startMiner({ key: freshKey(), ledger, engine })
  const dear = await startMiner({ key: freshKey(), ledger, engine: new FakeEngine() })
  const renter = await startRenter({ key: freshKey(), ledger, miners: [cheap, dear] })
  ledger.grant(renter.key, 10_000_000n)
  const offers = bookOf([dear.offer({ dph: '7.2' }), cheap.offer()])
  const order = async (what: Wish) => {
    try {
      return await placeOrder(renter.book, offers, what)
    } finally {
      followAll(renter.book)
    }
  }
  return { cheap, dear, renter, offers, order }
}

test('the first offer in order is taken, and the next one where that cannot be had', async () => {
  const { cheap, dear, order } = await twoMiners()
  expect((await order(wish())).terms.miner).toBe(cheap.key.peerId)
  expect((await order(wish())).terms.miner).toBe(dear.key.peerId)
  await expect(order(wish())).rejects.toMatchObject({ code: 'REFUSED_NO_CAPACITY' })
})

test('orders that are placed at once do not take each other’s quotes', async () => {
  const { cheap, dear, order } = await twoMiners()
  const taken = await Promise.all([order(wish()), order(wish())])
  expect(new Set(taken.map(({ terms }) => terms.miner))).toEqual(
    new Set([cheap.key.peerId, dear.key.peerId]),
  )
})

test('a query, a price limit and an offer id choose', async () => {
  const { dear, order, offers } = await twoMiners()
  await expect(order(wish({ query: 'gpu_name=H100' }))).rejects.toMatchObject({
    code: 'NOTHING_MATCHED',
  })
  await expect(order(wish({ maxDph: '3.5' }))).rejects.toMatchObject({ code: 'NOTHING_MATCHED' })
  await expect(order(wish({ query: 'gpu_nam=H100' }))).rejects.toMatchObject({
    code: expect.stringMatching(/^BAD_CONFIG/),
  })
  const [, second] = offers.search(
    { kind: 'and', parts: [] },
    (a, b) => Number(a['dph']) - Number(b['dph']),
  )
  const id = nameOf(second!.record)
  expect((await order(wish({ query: id.slice(0, 12) }))).terms.miner).toBe(dear.key.peerId)
})

test('an order with a key is granted once, also when two arrive together', async () => {
  const { order, renter } = await twoMiners()
  const keyed = wish({ idempotencyKey: 'once' })
  const [first, second] = await Promise.all([order(keyed), order(keyed)])
  expect(second.id).toBe(first.id)
  expect((await order(keyed)).id).toBe(first.id)
  expect(await renter.book.records.all()).toHaveLength(1)
})

test('a lease is found by the beginning of its id, or with the peer that hosts it', async () => {
  const { order, renter, cheap } = await twoMiners()
  const { id } = await order(wish())
  expect((await findLease(renter.book, id.slice(0, 6))).id).toBe(id)
  const foreign = `${'ab'.repeat(32)}@${cheap.key.peerId}`
  expect(await findLease(renter.book, foreign)).toMatchObject({ miner: cheap.key.peerId })
  await expect(findLease(renter.book, 'zz')).rejects.toMatchObject({ code: 'BAD_CONFIG_LEASE' })
  const absent = id.startsWith('0') ? 'f0f0f0' : '0f0f0f'
  await expect(findLease(renter.book, absent)).rejects.toMatchObject({ code: 'NOTHING_MATCHED' })
})

test('who wants no proofs beside a lease takes only offers with a price for that, at most its limit', async () => {
  const { cheap, dear, renter, order } = await twoMiners()
  await expect(order(wish({ exclusive: true }))).rejects.toMatchObject({ code: 'NOTHING_MATCHED' })
  const offers = bookOf([cheap.offer(), dear.offer({ dph: '7.2', exclusiveDph: '9' })])
  const exclusively = (maxDph: string) =>
    placeOrder(renter.book, offers, wish({ exclusive: true, maxDph }))
  await expect(exclusively('8')).rejects.toMatchObject({ code: 'NOTHING_MATCHED' })
  const { terms } = await exclusively('9')
  expect(terms).toMatchObject({ miner: dear.key.peerId, exclusive: true, pricePerHour: '9000000' })
})

test('an offer that is full is passed, which is told; with a wait its queue is joined, under the price limit', async () => {
  const { cheap, dear, renter } = await twoMiners()
  const taken = [
    cheap.offer({ lot: 1, taken: true }),
    dear.offer({ dph: '7.2', lot: 1, taken: true }),
  ]
  const free = bookOf([cheap.offer(), dear.offer({ dph: '7.2' })])
  await placeOrder(renter.book, free, wish())
  const { terms } = await placeOrder(renter.book, free, wish({ name: 'second' }))
  followAll(renter.book)
  expect(terms.miner).toBe(dear.key.peerId)
  const told = renter.events().filter(({ event }) => event === 'offer-not-taken')
  expect(told).toMatchObject([
    { order: 'second', miner: cheap.key.peerId, code: 'REFUSED_NO_CAPACITY' },
  ])
  const let_ = bookOf(taken)
  await expect(placeOrder(renter.book, let_, wish())).rejects.toMatchObject({
    code: 'NOTHING_MATCHED',
    next: expect.stringContaining('2 that match are let'),
  })
  const limited = wish({ maxDph: '5', waitMs: 60_000, name: 'third' })
  const waited = placeOrder(renter.book, let_, limited)
  await until(() => cheap.book.line.all().length === 1)
  expect(dear.book.line.all()).toEqual([])
  const [first] = [...renter.book.live.values()].filter(
    (now) => now.terms.miner === cheap.key.peerId,
  )
  await stopLease(renter, first!)
  const second = await waited
  expect(second.terms).toMatchObject({ miner: cheap.key.peerId, pricePerHour: '3600000' })
})

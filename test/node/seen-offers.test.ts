import { expect, test } from 'vitest'
import { createSeenOffers } from '../../src/node/seen-offers.ts'
import { offerId, sealOffer } from '../../src/protocols/offers.ts'
import { NOW_MS, offerOf, testKey, testNet } from '../support/market.ts'

const net = testNet()
const miner = testKey(1)
const [device] = offerOf(miner).devices
const offer = (change: object) => sealOffer(net, miner, offerOf(miner, change))

function watch() {
  const clock = { nowMs: NOW_MS }
  const live: { offers: ReturnType<typeof offer>[] } = { offers: [] }
  const seen = createSeenOffers({ net, nowMs: () => clock.nowMs, standing: () => live.offers })
  const look = (afterMs: number, ...offers: ReturnType<typeof offer>[]) => {
    clock.nowMs += afterMs
    live.offers = offers
    seen.look()
  }
  return { seen, look, now: () => seen.of(miner.peerId, 'cpu-0', clock.nowMs) }
}

test('an offer is told with the share of one device in base units', () => {
  const { look, now } = watch()
  const two = offer({ dph: '0.3', devices: [device, { ...device, id: 'cpu-1' }] })
  look(1000, two)
  const atMs = NOW_MS + 1000
  expect(now()).toEqual({ id: offerId(net, two), asset: 'DEV', price: '150000', atMs })
})

test('of several the cheapest counts; a price nobody could pay is none', () => {
  const { look, now } = watch()
  look(1000, offer({ dph: '0.3' }), offer({ lot: 1, dph: '0.2' }), offer({ lot: 2, dph: '0.4' }))
  expect(now()).toMatchObject({ price: '200000' })
  const other = watch()
  other.look(61_000, offer({ dph: '0.0000001' }), offer({ lot: 1, asset: 'GOLD' }))
  expect(other.now()).toBeNull()
})

test('a device taken off for a moment is still offered; a lasting absence is told once it is sure', () => {
  const { look, now } = watch()
  expect(now()).toBeUndefined()
  look(1000, offer({}))
  look(50_000)
  expect(now()).toMatchObject({ price: '100000' })
  look(20_000)
  expect(now()).toBeNull()
})

test('an offer of what is let, to wait for, is none', () => {
  const { look, now } = watch()
  look(61_000, offer({ lot: 1, taken: true }))
  expect(now()).toBeNull()
})

import { expect, test } from 'vitest'
import { checkQuote, draftTerms, pricePerHour } from '../../../src/node/leases/quote.ts'
import type { ReserveRequest } from '../../../src/protocols/lease.ts'
import { sealOffer } from '../../../src/protocols/offers.ts'
import type { Terms } from '../../../src/protocols/terms.ts'
import { miner, net, renter, stranger } from '../../support/lease.ts'
import { offerOf } from '../../support/lease-market.ts'
import { NOW_MS } from '../../support/market.ts'

const offer = sealOffer(net, miner, offerOf(miner))
const request: ReserveRequest = {
  kind: 'reserve',
  offer: offer.bytes,
  nonce: new Uint8Array(16).fill(9),
  durationMs: 60_000,
  image: 'busybox:1.37',
  command: ['echo', 'hi'],
  authorized: [stranger.peerId],
}
const side = {
  net,
  renter: renter.peerId,
  miner: miner.peerId,
  minerNonce: new Uint8Array(16).fill(8),
  rails: [{ name: 'dev', asset: 'DEV' }],
  room: (devices: number) => ({ memoryMiB: 64 * devices, milliCpus: 1000 * devices }),
  creditMs: 60_000,
  graceMs: 60_000,
  receiptEveryMs: 1000,
  nowMs: NOW_MS,
}
const asked = { request, offer, renter: renter.peerId, net, rails: ['dev'], nowMs: NOW_MS }
const quoted = draftTerms(request, offer, side)

test('a quote is what was offered and asked for', () => {
  expect(quoted).toMatchObject({ pricePerHour: '3600000', cap: '60000', rail: 'dev' })
  expect(() => checkQuote(quoted, asked)).not.toThrow()
})

test.each<[string, Partial<Terms>]>([
  ['renter', { renter: stranger.peerId }],
  ['miner', { miner: stranger.peerId }],
  ['nonce', { renterNonce: new Uint8Array(16) }],
  ['offer', { offerId: new Uint8Array(32) }],
  ['asset', { asset: 'XMR' }],
  ['price', { pricePerHour: '3600001' }],
  ['cap', { cap: '60001' }],
  ['image', { image: 'evil:1' }],
  ['command', { command: ['echo', 'ho'] }],
  ['duration', { durationMs: 60_001 }],
  ['volumes', { volumes: [{ name: 'data', path: '/etc', sizeMiB: 16 }] }],
  ['main memory', { memoryMiB: 63 }],
  ['number of cores', { milliCpus: 999 }],
  ['devices', { devices: ['cpu-0', 'cpu-1'] }],
  ['devices', { devices: ['cpu-0', 'cpu-0'] }],
  ['devices', { devices: ['a-slower-one'] }],
  ['time to accept', { acceptByMs: NOW_MS + 3_600_000 }],
  ['authorized keys', { authorized: [] }],
  ['rail', { rail: 'none' }],
])('a renter does not sign terms with another %s', (field, change) => {
  expect(() => checkQuote({ ...quoted, ...change }, asked)).toThrow(
    expect.objectContaining({ code: 'PEER_QUOTE', message: expect.stringContaining(field) }),
  )
})

test("a renter's own limits stand above the offer", () => {
  const limit = (maxPricePerHour: bigint) => () => checkQuote(quoted, { ...asked, maxPricePerHour })
  expect(limit(3_599_999n)).toThrow(expect.objectContaining({ code: 'REFUSED_PRICE' }))
  expect(limit(3_600_000n)).not.toThrow()
  expect(() => checkQuote(quoted, { ...asked, rails: [] })).toThrow(
    expect.objectContaining({ code: 'BAD_CONFIG_RAIL' }),
  )
})

test('part of an offer costs its share, rounded up', () => {
  const device = offer.payload.devices[0]!
  const three = ['a', 'b', 'c'].map((id) => ({ ...device, id }))
  const offered = { ...offer.payload, devices: three, dph: '1' }
  expect(pricePerHour(offered, 1)).toBe(333_334n)
  expect(pricePerHour(offered, 3)).toBe(1_000_000n)
})

test('a miner quotes only within its offer, and only what it can be paid for', () => {
  const draft = (changes: Partial<ReserveRequest>, rails = side.rails) =>
    draftTerms({ ...request, ...changes }, offer, { ...side, rails })
  const refused = (code: string) => expect.objectContaining({ code })
  expect(() => draft({ durationMs: 3_600_001 })).toThrow(refused('REFUSED_TERMS'))
  expect(() => draft({ devices: 2 })).toThrow(refused('REFUSED_TERMS'))
  expect(() => draft({}, [])).toThrow(refused('REFUSED_RAIL'))
  expect(() => draft({}, [{ name: 'xmr', asset: 'XMR' }])).toThrow(refused('REFUSED_RAIL'))
  const free = sealOffer(net, miner, offerOf(miner, { dph: '0' }))
  expect(draftTerms(request, free, { ...side, rails: [] }).rail).toBe('none')
})

const withPrice = sealOffer(net, miner, offerOf(miner, { exclusiveDph: '7.2' }))
const alone: ReserveRequest = { ...request, offer: withPrice.bytes, exclusive: true }
const askedAlone = { ...asked, request: alone, offer: withPrice }
const quotedAlone = draftTerms(alone, withPrice, { ...side, proofSharePpm: 1731 })

test('what proofs beside the tenant take stands in the terms', () => {
  const terms = draftTerms(request, offer, { ...side, proofSharePpm: 1731 })
  expect(terms).toMatchObject({ proofSharePpm: 1731, pricePerHour: '3600000' })
  expect(terms).not.toHaveProperty('exclusive')
  expect(() => checkQuote(terms, { ...asked, proofSharePpm: 1731 })).not.toThrow()
  expect(() => checkQuote(terms, { ...asked, proofSharePpm: 1730 })).toThrow(
    expect.objectContaining({ code: 'PEER_QUOTE', message: expect.stringContaining('share') }),
  )
  expect(quoted).not.toHaveProperty('proofSharePpm') // a miner of an earlier version
})

test('of more devices a lease gets more of the memory and the cores, and not less than its part of the offer', () => {
  const devices = ['a', 'b', 'c'].map((id) => ({ id, vendor: 'AMD', name: 'CPU', vramMiB: 0 }))
  const host = { ...offerOf(miner).host, cpuCores: 1, milliCpus: 1500, ramMiB: 193 }
  const three = sealOffer(net, miner, offerOf(miner, { devices, host }))
  const two = { ...request, offer: three.bytes, devices: 2 }
  const room = (count: number) => ({ memoryMiB: 64 * count, milliCpus: 500 * count })
  const terms = draftTerms(two, three, { ...side, room })
  expect(terms).toMatchObject({ memoryMiB: 128, milliCpus: 1000, devices: ['a', 'b'] })
  const ask = { ...asked, request: two, offer: three }
  expect(() => checkQuote(terms, ask)).not.toThrow()
  expect(() => checkQuote({ ...terms, memoryMiB: 127 }, ask)).toThrow(/another main memory/)
  expect(() => checkQuote({ ...terms, milliCpus: 999 }, ask)).toThrow(/another number of cores/)
})

test('a lease without proofs costs what the offer says it does', () => {
  expect(quotedAlone).toMatchObject({ exclusive: true, proofSharePpm: 0, pricePerHour: '7200000' })
  expect(() => checkQuote(quotedAlone, askedAlone)).not.toThrow()
  expect(() => draftTerms({ ...alone, offer: offer.bytes }, offer, side)).toThrow(
    expect.objectContaining({ code: 'REFUSED_TERMS' }),
  )
})

const held = { runtime: 'runc', fenced: true, diskQuota: false }

test.each<[string, Partial<Terms>, string]>([
  ['with proofs all the same', { proofSharePpm: 1 }, 'share'],
  ['that do not say so', { exclusive: undefined }, 'exclusiveness'],
])('a renter that pays for no proofs does not sign terms %s', (_, change, field) => {
  expect(() => checkQuote({ ...quotedAlone, ...change }, askedAlone)).toThrow(
    expect.objectContaining({ code: 'PEER_QUOTE', message: expect.stringContaining(field) }),
  )
})

test.each([
  undefined,
  { ...held, fenced: false },
  { ...held, diskQuota: true },
  { ...held, runtime: 'x' },
])('a renter does not sign that less holds its lease than was offered: %j', (isolation) => {
  const offer = { ...asked.offer, payload: { ...asked.offer.payload, isolation: held } }
  const terms = quoted
  checkQuote({ ...terms, isolation: held }, { ...asked, offer })
  expect(() => checkQuote({ ...terms, isolation }, { ...asked, offer })).toThrow(
    expect.objectContaining({ message: expect.stringContaining('isolation') }),
  )
})

test('a renter that did not ask for it is not sold an exclusive lease', () => {
  expect(() => checkQuote({ ...quoted, exclusive: true }, asked)).toThrow(
    expect.objectContaining({ code: 'PEER_QUOTE' }),
  )
})

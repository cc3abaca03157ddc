import { expect, test } from 'vitest'
import { encodeCbor } from '../../src/protocols/codec.ts'
import {
  noticesTopic,
  type Offer,
  offerCodec,
  offerKind,
  offersTopic,
  sealOffer,
  sealWithdrawal,
  withdrawalKind,
  withdrawalOf,
} from '../../src/protocols/offers.ts'
import { sealRecord } from '../../src/protocols/seal.ts'
import { openRecord, recordTypes } from '../../src/protocols/signed.ts'
import { admits, judge, type Topic } from '../../src/protocols/topic.ts'
import { NOW_MS, offerOf, testKey, testNet } from '../support/market.ts'

const net = testNet()
const alice = testKey(1)
const seen: unknown[] = []
const keep = () => {
  seen.push(1)
  return 'accept' as const
}
const known = () => false
const verdict = (bytes: Uint8Array, topic: Topic = offersTopic) =>
  judge(
    topic,
    topic === offersTopic ? [admits(offerKind, keep)] : [admits(withdrawalKind, keep)],
    bytes,
    'peer',
    { net, known },
  )
const sealed = (change: object = {}, key = alice) =>
  sealOffer(net, key, offerOf(alice, change)).bytes

test('an offer survives its trip', async () => {
  expect(openRecord(net, recordTypes.offer, offerCodec, sealed()).payload).toEqual(offerOf(alice))
  expect(await verdict(sealed())).toBe('accept')
})

test('fields of a later version are kept and re-encode to the same bytes', () => {
  const later = { ...offerOf(alice), fiatRef: { currency: 'EUR', cents: 12 } } as Offer
  const record = sealOffer(net, alice, later)
  const opened = openRecord(net, recordTypes.offer, offerCodec, record.bytes)
  expect(opened.payload).toMatchObject({ fiatRef: { currency: 'EUR' } })
  expect(offerCodec.encode(opened.payload)).toEqual(offerCodec.encode(later))
})

test.each<[string, () => Uint8Array, string]>([
  ['signed by another peer', () => sealed({}, testKey(2)), 'signed by another peer'],
  ['living too long', () => sealed({ expiresAtMs: NOW_MS + 15 * 60_000 + 1 }), 'lives too long'],
  ['expiring before it begins', () => sealed({ expiresAtMs: NOW_MS }), 'expires before its issue'],
  [
    'with impossible terms',
    () => sealed({ terms: { minLeaseMs: 2, maxLeaseMs: 1, rails: [] } }),
    'shortest lease',
  ],
  [
    'offering a device twice',
    () => sealed({ devices: [offerOf(alice).devices[0], offerOf(alice).devices[0]] }),
    'twice',
  ],
  [
    'forged',
    () => {
      const bytes = Uint8Array.from(sealed())
      bytes[bytes.length - 1]! ^= 1
      return bytes
    },
    'signature',
  ],
  ['of another network', () => sealOffer(testNet(9), alice, offerOf(alice)).bytes, 'signature'],
  ['oversized', () => new Uint8Array(5000), 'too large'],
  ['that is no CBOR', () => Uint8Array.of(0xff, 0, 1), 'CBOR'],
  ['that is no record', () => encodeCbor({ hello: 'there' }), 'array'],
  [
    'with a float for a price',
    () =>
      sealRecord(
        net,
        recordTypes.offer,
        { encode: (v: object) => encodeCbor(v), decode: (b) => b },
        alice,
        { ...offerOf(alice), dph: 3 },
      ).bytes,
    'dph',
  ],
])('an offer %s is rejected, for its bytes prove it bad', async (_, make, why) => {
  const result = await verdict(make())
  expect(result).toMatchObject({ reject: expect.stringContaining(why) })
})

test('what a later version may mean is ignored and not punished', async () => {
  const [, type, key, payload, sig] = [1, 2, alice.publicKey, new Uint8Array(3), new Uint8Array(64)]
  expect(await verdict(encodeCbor([2, type, key, payload, sig]))).toMatchObject({
    ignore: expect.stringContaining('version'),
  })
  expect(await verdict(encodeCbor([1, 999, key, payload, sig]))).toMatchObject({
    ignore: expect.stringContaining('999'),
  })
})

test('a copy of an offer on another topic is ignored there', async () => {
  expect(await verdict(sealed(), noticesTopic)).toMatchObject({
    ignore: expect.stringContaining('type 2'),
  })
})

test('a record already known is dropped before its signature is looked at', async () => {
  const forged = Uint8Array.from(sealed())
  forged[forged.length - 1]! ^= 1
  const options = { net, known: () => true }
  expect(await judge(offersTopic, [admits(offerKind, keep)], forged, 'peer', options)).toEqual({
    ignore: 'known',
  })
})

test('a withdrawal carries what stops every copy of its offer', async () => {
  const offer = offerOf(alice)
  const withdrawal = withdrawalOf(offer, NOW_MS + 5)
  expect(withdrawal).toMatchObject({ lot: 0, seq: offer.seq, expiresAtMs: offer.expiresAtMs })
  expect(await verdict(sealWithdrawal(net, alice, withdrawal).bytes, noticesTopic)).toBe('accept')
  const byAnother = sealWithdrawal(net, testKey(2), withdrawal).bytes
  expect(await verdict(byAnother, noticesTopic)).toMatchObject({ reject: 'signed by another peer' })
})

test('the largest honest offer fits', () => {
  const gpu = {
    vendor: 'nvidia',
    name: 'NVIDIA H100 80GB HBM3',
    vramMiB: 81_559,
    driver: '550.54.15',
    computeCapability: '9.0',
  }
  const devices = Array.from({ length: 8 }, (_, i) => ({
    ...gpu,
    id: `0000:0${i}:00.0`,
    measured: {
      memoryMiB: 80_000,
      bandwidthMBps: 2_900_000,
      mops: 800_000_000,
      attestations: Array(4).fill(new Uint8Array(32)),
    },
  }))
  expect(sealed({ devices, hotkey: new Uint8Array(32) }).length).toBeLessThan(offersTopic.maxBytes)
})

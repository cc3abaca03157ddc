import { expect, test } from 'vitest'
import {
  type Extension,
  extendedBy,
  extensionHash,
  nextExtension,
  openExtension,
  openExtensions,
  sealExtension,
  unextended,
} from '../../src/protocols/extension.ts'
import { issued, nextReceipt, observe, startMeter } from '../../src/protocols/metering.ts'
import { verifyReceiptChain } from '../../src/protocols/receipt-chain.ts'
import { sealReceipt } from '../../src/protocols/receipts.ts'
import { agreed, miner, net, renter, stranger } from '../support/lease.ts'
import { NOW_MS, testNet } from '../support/market.ts'

const lease = agreed()
const first = unextended(lease.leaseId, lease.terms)
const signed = (value: Extension) => ({
  miner: sealExtension(net, miner, value).bytes,
  renter: sealExtension(net, renter, value).bytes,
})

test('an extension moves the end and the cap, at the price of the terms; the next links to it', () => {
  const one = nextExtension(first, 30_000, NOW_MS)
  expect(one).toMatchObject({ seq: 1, prev: lease.leaseId, durationMs: 90_000, cap: '90000' })
  const after = extendedBy(net, first, one)
  expect(after.terms).toEqual({ ...lease.terms, durationMs: 90_000, cap: '90000' })
  const two = nextExtension(after, 1000, NOW_MS)
  expect(two).toMatchObject({ seq: 2, prev: extensionHash(net, one), durationMs: 91_000 })
  const chain = openExtensions(net, first, [signed(one), signed(two)])
  expect(chain).toMatchObject({ seq: 2, terms: { durationMs: 91_000, cap: '91000' } })
})

const one = nextExtension(first, 30_000, NOW_MS)
test.each<[string, Partial<Extension>]>([
  ['of another lease', { leaseId: new Uint8Array(32) }],
  ['out of order', { seq: 2 }],
  ['linked elsewhere', { prev: new Uint8Array(32) }],
  ['no longer than before', { durationMs: 60_000, cap: '60000' }],
  ['at another price', { cap: '89999' }],
])('one that is %s is refused', (_, change) => {
  expect(() => extendedBy(net, first, { ...one, ...change })).toThrow(/extension/)
})

test('each party signs for itself, the same words, on its own network', () => {
  const { miner: byMiner, renter: byRenter } = signed(one)
  const bad = [
    [{ miner: byRenter, renter: byRenter }],
    [{ miner: byMiner, renter: byMiner }],
    [{ miner: signed({ ...one, atMs: NOW_MS + 1 }).miner, renter: byRenter }],
    [signed(one), signed(one)],
  ]
  for (const records of bad) {
    expect(() => openExtensions(net, first, records)).toThrow(
      expect.objectContaining({ code: 'BAD_MESSAGE' }),
    )
  }
  const other = testNet(2)
  expect(() => openExtension(other, byMiner, miner.peerId)).toThrow(/signature/)
  expect(() => openExtension(net, byMiner, stranger.peerId)).toThrow(/another key/)
  expect(() => openExtension(net, byMiner.subarray(1), miner.peerId)).toThrow()
  expect(() => openExtension(net, lease.minerTerms, miner.peerId)).toThrow(/record type/)
})

test('receipts past the first end verify offline with the extension, and not without', () => {
  const extended = extendedBy(net, first, one)
  let meter = startMeter(lease.leaseId, NOW_MS)
  const receipts = [50_000, 80_000].map((ms) => {
    meter = observe(meter, 'ok', NOW_MS + ms)
    const terms = ms > 60_000 ? extended.terms : lease.terms
    const receipt = sealReceipt(net, miner, nextReceipt(meter, terms, NOW_MS + ms))
    meter = issued(meter, receipt)
    return receipt.bytes
  })
  const { minerTerms, renterTerms } = lease
  const file = { minerTerms, renterTerms, receipts, extensions: [signed(one)] }
  const chain = verifyReceiptChain(net, file)
  expect(chain).toMatchObject({ extensions: 1, upMs: 80_000, claimed: 80_000n })
  expect(chain.terms.cap).toBe('90000')
  const bare = { minerTerms, renterTerms, receipts }
  expect(() => verifyReceiptChain(net, bare)).toThrow(/more time than was agreed/)
})

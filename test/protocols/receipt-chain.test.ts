import { expect, test } from 'vitest'
import { issued, nextReceipt, observe, startMeter } from '../../src/protocols/metering.ts'
import { receiptFileCodec, verifyReceiptChain } from '../../src/protocols/receipt-chain.ts'
import { sealReceipt } from '../../src/protocols/receipts.ts'
import { agreed, miner, net, renter, stranger } from '../support/lease.ts'
import { NOW_MS } from '../support/market.ts'

const ending = { outcome: 'ended' as const, reason: 'stopped by the renter' }

/** Evidence of a lease of three receipts, the second of them countersigned. */
function evidence() {
  const { terms, leaseId, minerTerms, renterTerms } = agreed()
  let meter = startMeter(leaseId, NOW_MS)
  const receipts = [1000, 2000, 3000].map((ms) => {
    meter = observe(meter, 'ok', NOW_MS + ms)
    const final = ms === 3000 ? ending : undefined
    const receipt = sealReceipt(net, miner, nextReceipt(meter, terms, NOW_MS + ms, final))
    meter = issued(meter, receipt)
    return receipt
  })
  const countersigned = sealReceipt(net, renter, receipts[1]!.payload).bytes
  return { minerTerms, renterTerms, receipts, countersigned, terms, leaseId }
}

const fileOf = (parts: ReturnType<typeof evidence>) => ({
  minerTerms: parts.minerTerms,
  renterTerms: parts.renterTerms,
  receipts: parts.receipts.map(({ bytes }) => bytes),
  countersigned: parts.countersigned,
})

test('a whole chain verifies offline, through its file', () => {
  const parts = evidence()
  const file = receiptFileCodec.decode(receiptFileCodec.encode(fileOf(parts)))
  expect(verifyReceiptChain(net, file)).toEqual({
    leaseId: parts.leaseId,
    terms: parts.terms,
    extensions: 0,
    seq: 3,
    upMs: 3000,
    claimed: 3000n,
    acknowledgedSeq: 2,
    acknowledged: 2000n,
    final: ending,
  })
})

test('a chain nobody countersigned claims without being acknowledged', () => {
  const { countersigned: _, ...file } = fileOf(evidence())
  expect(verifyReceiptChain(net, file)).toMatchObject({ claimed: 3000n, acknowledged: 0n })
})

test('a tampered, missing, doubled or foreign receipt is found', () => {
  const parts = evidence()
  const file = fileOf(parts)
  const [first, second, third] = file.receipts
  const dearer = { ...parts.receipts[2]!.payload, cumulative: '3001' }
  const variants: [RegExp, Uint8Array[]][] = [
    [/signature/, [first!, Uint8Array.from(second!).fill(0, 150, 151), third!]],
    [/where 2 belongs/, [first!, third!]],
    [/where 2 belongs/, [first!, first!, second!]],
    [/another key/, [sealReceipt(net, stranger, parts.receipts[0]!.payload).bytes]],
    [/claims 3001/, [first!, second!, sealReceipt(net, miner, dearer).bytes]],
  ]
  for (const [message, receipts] of variants) {
    expect(() => verifyReceiptChain(net, { ...file, receipts })).toThrow(message)
  }
})

test('a forged countersignature, or one of another receipt, is found', () => {
  const parts = evidence()
  const file = fileOf(parts)
  const payload = parts.receipts[1]!.payload
  const forged = sealReceipt(net, stranger, payload).bytes
  expect(() => verifyReceiptChain(net, { ...file, countersigned: forged })).toThrow(/another key/)
  const other = sealReceipt(net, renter, { ...payload, cumulative: '1999' }).bytes
  expect(() => verifyReceiptChain(net, { ...file, countersigned: other })).toThrow(/no receipt/)
})

test('terms that only one side signed prove nothing', () => {
  const file = fileOf(evidence())
  const other = agreed({ cap: '59999' })
  expect(() => verifyReceiptChain(net, { ...file, renterTerms: other.renterTerms })).toThrow(
    /different terms/,
  )
  expect(() => verifyReceiptChain(net, { ...file, renterTerms: file.minerTerms })).toThrow(/renter/)
})

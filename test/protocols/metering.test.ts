import { expect, test } from 'vitest'
import {
  acceptReceipt,
  issued,
  nextReceipt,
  observe,
  owedUnder,
  renterMeter,
  resumeMeter,
  startMeter,
} from '../../src/protocols/metering.ts'
import { openReceipt, type Receipt, sealReceipt } from '../../src/protocols/receipts.ts'
import { agreed, miner, net, renter, stranger } from '../support/lease.ts'
import { NOW_MS } from '../support/market.ts'

const { terms, leaseId } = agreed()
const at = (ms: number) => NOW_MS + ms

/** Receipts of a miner that looks after every `steps` ms and finds the container well. */
function chain(steps: number[]) {
  let meter = startMeter(leaseId, NOW_MS)
  let now = 0
  return steps.map((step) => {
    now += step
    meter = observe(meter, 'ok', at(now))
    const receipt = sealReceipt(net, miner, nextReceipt(meter, terms, at(now)))
    meter = issued(meter, receipt)
    return receipt
  })
}

const changed = (receipt: Receipt, change: Partial<Receipt>) =>
  sealReceipt(net, miner, { ...receipt, ...change })

test('a whole lease costs exactly its time, however it was cut', () => {
  const receipts = chain([1, 999, 333, 1667, 7000, 50_000])
  const last = receipts.at(-1)!.payload
  expect(last).toMatchObject({ seq: 6, upMs: 60_000, cumulative: '60000' })
  let meter = renterMeter(leaseId)
  for (const receipt of receipts) meter = acceptReceipt(meter, terms, receipt, 60_000)
  expect(meter).toMatchObject({ seq: 6, upMs: 60_000, ended: false })
})

test('unknown time counts once the container is seen well again, and never when it failed', () => {
  const start = startMeter(leaseId, NOW_MS)
  const unknown = observe(start, 'unknown', at(3000))
  expect(unknown.upMs).toBe(0)
  expect(observe(unknown, 'ok', at(4000)).upMs).toBe(4000)
  expect(observe(unknown, 'failed', at(4000)).upMs).toBe(0)
})

test('neither a clock that goes back nor a restart is billed', () => {
  const meter = observe(startMeter(leaseId, NOW_MS), 'ok', at(2000))
  expect(observe(meter, 'ok', at(1000)).upMs).toBe(2000)
  expect(observe(resumeMeter(meter, at(9000)), 'ok', at(9500)).upMs).toBe(2500)
})

test('the cap and the agreed time bound what is owed', () => {
  expect(owedUnder(terms, 1_000_000)).toBe(60_000n)
  expect(owedUnder({ ...terms, cap: '10' }, 50_000)).toBe(10n)
  expect(owedUnder({ ...terms, pricePerHour: '0' }, 50_000)).toBe(0n)
})

test.each<[string, Partial<Receipt>, string]>([
  ['replayed', { seq: 1 }, 'PEER_RECEIPT_SEQUENCE'],
  ['after a gap', { seq: 3 }, 'PEER_RECEIPT_SEQUENCE'],
  ['of another chain', { prev: new Uint8Array(32) }, 'PEER_RECEIPT_SEQUENCE'],
  ['of another lease', { leaseId: new Uint8Array(32) }, 'PEER_RECEIPT_SEQUENCE'],
  ['with less time than before', { upMs: 999, cumulative: '999' }, 'PEER_RECEIPT_SEQUENCE'],
  ['with more time than passed', { upMs: 7001, cumulative: '7001' }, 'PEER_RECEIPT_INFLATED'],
  ['with more money than time', { cumulative: '2001' }, 'PEER_RECEIPT_INFLATED'],
  ['with less money than time', { cumulative: '1999' }, 'PEER_RECEIPT_INFLATED'],
  ['past the agreed end', { upMs: 60_001, cumulative: '60000' }, 'PEER_RECEIPT_INFLATED'],
])('a receipt %s is refused', (_, change, code) => {
  const [first, second] = chain([1000, 1000])
  const meter = acceptReceipt(renterMeter(leaseId), terms, first!, 1000)
  const forged = changed(second!.payload, change)
  expect(() => acceptReceipt(meter, terms, forged, 2000)).toThrow(expect.objectContaining({ code }))
  expect(acceptReceipt(meter, terms, second!, 2000).seq).toBe(2)
})

test('nothing follows the final receipt', () => {
  const [first, second] = chain([1000, 1000])
  const final = changed(first!.payload, { final: { outcome: 'ended', reason: 'stopped' } })
  const meter = acceptReceipt(renterMeter(leaseId), terms, final, 1000)
  expect(meter.ended).toBe(true)
  const next = changed(second!.payload, { prev: final.id })
  expect(() => acceptReceipt(meter, terms, next, 2000)).toThrow(/follows the final/)
})

test('a receipt counts only under the right key', () => {
  const [receipt] = chain([1000])
  expect(openReceipt(net, receipt!.bytes, miner.publicKey).payload).toEqual(receipt!.payload)
  const forged = sealReceipt(net, stranger, receipt!.payload)
  expect(() => openReceipt(net, forged.bytes, miner.publicKey)).toThrow(/another key/)
  const flipped = Uint8Array.from(receipt!.bytes)
  flipped[flipped.length - 1]! ^= 1
  expect(() => openReceipt(net, flipped, miner.publicKey)).toThrow(/signature/)
  expect(() => openReceipt(net, receipt!.bytes, renter.publicKey)).toThrow(/another key/)
})

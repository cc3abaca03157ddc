import { expect, test } from 'vitest'
import {
  acceptReceipt,
  CLOCK_TOLERANCE_MS,
  issued,
  nextReceipt,
  observe,
  owedUnder,
  renterMeter,
  resumeMeter,
  startMeter,
} from '../../src/protocols/metering.ts'
import { costCap } from '../../src/protocols/money.ts'
import { openReceipt, type Receipt, sealReceipt } from '../../src/protocols/receipts.ts'
import { agreed, miner, net, renter, stranger } from '../support/lease.ts'
import { NOW_MS } from '../support/market.ts'
import { belowFrom } from '../support/random.ts'

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

test.each(['unknown', 'failed', 'paused'] as const)(
  'time that touches a look that found it %s is not billed',
  (seen) => {
    const start = startMeter(leaseId, NOW_MS)
    const away = observe(start, seen, at(3000))
    expect(away.upMs).toBe(0)
    const back = observe(away, 'ok', at(4000))
    expect(back.upMs).toBe(0)
    expect(observe(back, 'ok', at(5000)).upMs).toBe(1000)
  },
)

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
  ['with more time than passed', { upMs: 32_001, cumulative: '32001' }, 'PEER_RECEIPT_INFLATED'],
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

/** What a miner's looks find, in an order that a seed decides. */
function randomLife(seed: number) {
  const below = belowFrom(seed)
  const looks = Array.from({ length: 80 }, () => {
    const dice = below(10)
    const seen = dice < 6 ? 'ok' : (['unknown', 'failed', 'paused', 'ok'] as const)[dice - 6]!
    // The machine's clock is steady here; sometimes it stands still, or a look comes late.
    return { seen, stepMs: below(dice === 9 ? 5000 : 1200) }
  })
  return { below, looks }
}

test.each(Array.from({ length: 25 }, (_, run) => run))(
  'no life of a container is billed for more than was seen well at both ends (run %d)',
  (seed) => {
    const { below, looks } = randomLife(seed)
    const price = {
      ...terms,
      pricePerHour: String(1 + below(5_000_000)),
      durationMs: 40_000,
    }
    const offered = { ...price, cap: costCap(BigInt(price.pricePerHour), 40_000).toString() }
    let meter = startMeter(leaseId, NOW_MS)
    let accepting = renterMeter(leaseId)
    let [nowMs, wellMs, wasWell] = [0, 0, true]
    for (const { seen, stepMs } of looks) {
      nowMs += stepMs
      if (seen === 'ok' && wasWell) wellMs += stepMs
      wasWell = seen === 'ok'
      meter = observe(meter, seen, at(nowMs))
      expect(meter.upMs).toBe(wellMs)
      const receipt = sealReceipt(net, miner, nextReceipt(meter, offered, at(nowMs)))
      meter = issued(meter, receipt)
      // The renter's clock may be wrong by half a minute.
      const skewMs = below(2 * CLOCK_TOLERANCE_MS + 1) - CLOCK_TOLERANCE_MS
      accepting = acceptReceipt(accepting, offered, receipt, nowMs + skewMs)
      const exact = (BigInt(offered.pricePerHour) * BigInt(Math.min(wellMs, 40_000))) / 3_600_000n
      expect(BigInt(receipt.payload.cumulative)).toBe(exact)
    }
    expect(accepting).toMatchObject({ seq: looks.length, upMs: Math.min(wellMs, 40_000) })
  },
)

test.each(Array.from({ length: 25 }, (_, run) => run))(
  'whatever one field of a receipt is changed to, it is refused with a code and a way out (run %d)',
  (seed) => {
    const below = belowFrom(seed)
    const receipts = chain(Array.from({ length: 6 }, () => 1 + below(1500)))
    const position = 1 + below(5)
    const meter = receipts
      .slice(0, position)
      .reduce((seen, one) => acceptReceipt(seen, terms, one, 60_000), renterMeter(leaseId))
    const { payload } = receipts[position]!
    const noise = new Uint8Array(32).map(() => below(256))
    const more = 1 + below(1000)
    const forgeries: Partial<Receipt>[] = [
      { seq: payload.seq + more },
      { seq: Math.max(1, payload.seq - more) },
      { prev: noise },
      { leaseId: noise },
      { upMs: payload.upMs + more },
      { upMs: Math.max(0, meter.upMs - more) },
      { cumulative: String(BigInt(payload.cumulative) + BigInt(more)) },
      { upMs: 60_000 + more, cumulative: '60000' },
      receipts[below(position)]!.payload,
    ]
    for (const change of forgeries) {
      const forged = changed(payload, change)
      const refusal = expect.objectContaining({
        code: expect.stringMatching(/^PEER_RECEIPT_(SEQUENCE|INFLATED)$/),
        next: expect.stringContaining('stop the lease'),
      })
      expect(() => acceptReceipt(meter, terms, forged, 60_000)).toThrow(refusal)
    }
    expect(acceptReceipt(meter, terms, receipts[position]!, 60_000).seq).toBe(position + 1)
  },
)

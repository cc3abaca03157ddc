import { expect, test } from 'vitest'
import type { WorkHours } from '../../../src/gpu/work-hours.ts'
import { checkEvidence } from '../../../src/node/leases/check-evidence.ts'
import { extendLease } from '../../../src/node/leases/extend-lease.ts'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { makeEvidence } from '../../../src/node/leases/make-evidence.ts'
import type { RentedNow } from '../../../src/node/leases/rent-book.ts'
import { nextExtension, sealExtension } from '../../../src/protocols/extension.ts'
import { leaseProtocol } from '../../../src/protocols/lease.ts'
import { evidenceCodec } from '../../../src/protocols/lease-evidence.ts'
import type { RecordKey } from '../../../src/protocols/seal.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import { net } from '../../support/lease.ts'
import {
  freshKey,
  meet,
  orderOf,
  startMiner,
  startRenter,
  stopLease,
  type TestMiner,
  take,
} from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'
import { GRANT, persistentMarket } from '../../support/persistent-market.ts'

test('a lease gets more time: it runs past its first end, is billed for it, and its evidence says so', async () => {
  const { engine, ledger, renterKey, ...start } = await persistentMarket()
  const miner = await start.miner()
  const renter = await start.renter([miner])
  const now = await take(renter, orderOf(miner, { durationMs: 1500 }))
  await until(() => now.lease.acknowledgedSeq >= 1)
  const firstEnd = now.lease.expiresAtMs!
  await extendLease(renter.book, now, { addMs: 2000, idempotencyKey: 'a' })
  // Said again, it changes nothing.
  await extendLease(renter.book, now, { addMs: 2000, idempotencyKey: 'a' })
  expect(now.terms).toMatchObject({ durationMs: 3500, cap: '3500' })
  expect(now.lease).toMatchObject({ expiresAtMs: firstEnd + 2000, extendedUnder: ['a'] })
  expect(ledger.balance(renterKey)).toBe(GRANT - 3500n)
  const [container] = engine.containers.values()
  expect(container!.expiresAtMs).toBeGreaterThan(firstEnd + 1000)
  await until(() => isOver(now.lease))
  expect(now.lease).toMatchObject({ state: 'SETTLED', ending: { code: 'expired' } })
  expect(now.lease.meter.upMs).toBeGreaterThan(2500)
  expect(ledger.balance(miner.key)).toBe(BigInt(now.lease.cumulative))
  expect(ledger.balance(renterKey)).toBe(GRANT - BigInt(now.lease.cumulative))
  const evidence = await makeEvidence(renter.book, now.lease)
  // The double of the ledger has a form of its own for vouchers: what comes before them is checked here.
  const found = (name: string, content = evidence) =>
    checkEvidence(evidenceCodec.encode(content)).checks.find((check) => check.name === name)
  expect(found('extensions')).toMatchObject({ ok: true, detail: expect.stringContaining('1: ') })
  expect(found('countersignature')).toMatchObject({ ok: true })
  const { extensions: _, ...without } = evidence
  expect(found('receipts', without)).toMatchObject({ ok: false })
  const told = [miner, renter].map(({ events }) => events().map(({ event }) => event))
  for (const events of told) expect(events.filter((e) => e === 'lease-extended')).toHaveLength(1)
})

/** A request of another renter in the miner's queue. */
async function awaited(miner: TestMiner, ledger: FakeLedger, devices = 1) {
  const other = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  const answer = await other.peer.rpc.ask(leaseProtocol, miner.key.peerId, {
    ...{ kind: 'enqueue' as const, offer: miner.offer(offerFor(miner)).bytes },
    ...{ image: 'busybox:1.37', durationMs: 60_000, devices },
  })
  if (answer.kind !== 'place') throw new Error('no place')
  const { ticket, etaMs } = answer.place
  const leave = () => other.peer.rpc.ask(leaseProtocol, miner.key.peerId, { kind: 'leave', ticket })
  return { etaMs, leave }
}

/** All devices of a miner in one offer. */
const offerFor = ({ book }: TestMiner) => ({
  devices: book.capacity.all().map((id) => ({ id, vendor: 'AMD', name: 'CPU', vramMiB: 0 })),
})

test('a miner refuses for its limit, its owner or who waits, and no money moves', async () => {
  const { ledger, renterKey, ...start } = await persistentMarket({ maxLeaseMs: 100_000 })
  const miner = await start.miner()
  const renter = await start.renter([miner])
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.state === 'ACTIVE')
  const refused = (why: RegExp) =>
    expect(extendLease(renter.book, now, { addMs: 30_000 })).rejects.toMatchObject({
      code: 'REFUSED_EXTENSION',
      message: expect.stringMatching(why),
    })
  await expect(extendLease(renter.book, now, { addMs: 50_000 })).rejects.toThrow(/in all/)
  miner.book.capacity.bar('cpu-0', { kind: 'paused', reason: 'outside its work hours' })
  await refused(/outside its work hours/)
  miner.book.capacity.bar('cpu-0', undefined)
  const next = await awaited(miner, ledger)
  expect(next.etaMs).toBeGreaterThan(50_000)
  await refused(/later than it was told/)
  await next.leave()
  const dear = extendLease(renter.book, now, { addMs: 30_000, maxCost: '0.08' })
  await expect(dear).rejects.toMatchObject({ code: 'REFUSED_COST' })
  const daily = extendLease(renter.book, now, { addMs: 30_000, maxDailyCost: '0.08' })
  await expect(daily).rejects.toMatchObject({ code: 'REFUSED_SPENDING' })
  expect((await renter.book.spending.today()).items[0]!.committed).toBe('0.06')
  expect(now.lease.extending).toBeUndefined()
  expect(now.terms.durationMs).toBe(60_000)
  expect(ledger.balance(renterKey)).toBe(GRANT - 60_000n)
  await stopLease(renter, now)
})

test('no lease goes beyond its owner’s hours: not at the start, nor later, nor is it waited for', async () => {
  const hours: { ranges: readonly WorkHours[] } = { ranges: [] }
  const { ledger, renterKey, ...start } = await persistentMarket({ workHours: () => hours.ranges })
  const miner = await start.miner()
  const renter = await start.renter([miner])
  const inMs = (ms: number) => new Date(Date.now() + ms)
  const minuteOf = (date: Date) => date.getHours() * 60 + date.getMinutes()
  const days = [0, 1, 2, 3, 4, 5, 6]
  // An hour at least, and two at most.
  hours.ranges = [{ days, from: minuteOf(inMs(-60_000)), to: minuteOf(inMs(3_660_000)) }]
  const offer = miner.offer({ terms: { minLeaseMs: 1000, maxLeaseMs: 90_000_000, rails: ['dev'] } })
  const order = (durationMs: number) => orderOf(miner, { offer, durationMs })
  await expect(take(renter, order(7_200_000))).rejects.toMatchObject({
    code: 'REFUSED_POLICY',
    message: expect.stringMatching(/hours end at .* \(its rule work-hours\)/),
  })
  const now = await take(renter, order(60_000))
  await until(() => now.lease.state === 'ACTIVE')
  const late = extendLease(renter.book, now, { addMs: 7_200_000 })
  await expect(late).rejects.toMatchObject({
    code: 'REFUSED_EXTENSION',
    message: expect.stringContaining('hours end at'),
  })
  await extendLease(renter.book, now, { addMs: 1_800_000 })
  expect(now.terms.durationMs).toBe(1_860_000)
  const request = { kind: 'enqueue' as const, offer: offer.bytes, image: 'busybox:1.37' }
  const waits = (durationMs: number) =>
    renter.peer.rpc.ask(leaseProtocol, miner.key.peerId, { ...request, durationMs })
  await expect(waits(7_200_000)).rejects.toThrow(/last 1.0[0-9]* hours at most/)
  expect(await waits(3_000_000)).toMatchObject({ kind: 'place' })
  await stopLease(renter, now)
})

test('somebody who waits has no say in an extension that does not delay its turn', async () => {
  const [engine, ledger] = [new FakeEngine(), new FakeLedger()]
  const miner = await startMiner({ key: freshKey(), ledger, engine, devices: ['cpu-0', 'cpu-1'] })
  const renter = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  ledger.grant(renter.key, GRANT)
  const leases: RentedNow[] = []
  for (const [id, durationMs] of [
    ['cpu-0', 60_000],
    ['cpu-1', 30_000],
  ] as const) {
    const devices = [{ id, vendor: 'AMD', name: 'CPU', vramMiB: 0 }]
    leases.push(await take(renter, orderOf(miner, { offer: miner.offer({ devices }), durationMs })))
  }
  const [long, short] = leases
  await until(() => leases.every(({ lease }) => lease.state === 'ACTIVE'))
  const one = await awaited(miner, ledger)
  expect(one.etaMs).toBeLessThanOrEqual(30_000)
  // It has its turn when the short one ends, whatever the long one does.
  await extendLease(renter.book, long!, { addMs: 30_000 })
  expect(long!.terms.durationMs).toBe(90_000)
  await expect(extendLease(renter.book, short!, { addMs: 10_000 })).rejects.toThrow(/later than/)
  // Who waits for both was told when the long one ends: until then the short one may run.
  await one.leave()
  const both = await awaited(miner, ledger, 2)
  expect(both.etaMs).toBeGreaterThan(80_000)
  await extendLease(renter.book, short!, { addMs: 10_000 })
  await expect(extendLease(renter.book, long!, { addMs: 10_000 })).rejects.toThrow(/later than/)
  for (const now of leases) await stopLease(renter, now)
})

test('only the renter extends, by what follows; what is not paid for does not count', async () => {
  const { ledger: _, ...start } = await persistentMarket()
  const miner = await start.miner()
  const renter = await start.renter([miner])
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.state === 'ACTIVE')
  const { leaseId } = now.lease
  const base = { leaseId, terms: now.terms, seq: 0, prev: leaseId }
  const value = nextExtension(base, 1000, Date.now())
  const ask = (changed: object, key: RecordKey = renter.key) => {
    const extension = sealExtension(net, key, { ...value, ...changed }).bytes
    const request = { kind: 'extend' as const, leaseId, extension }
    return renter.peer.rpc.ask(leaseProtocol, miner.key.peerId, request)
  }
  await expect(ask({ cap: '1' })).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  await expect(ask({ seq: 2 })).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  await expect(ask({}, miner.key)).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  expect(await ask({})).toMatchObject({ kind: 'extension', counts: false })
  expect(miner.book.live.get(now.id)!.terms.durationMs).toBe(60_000)
  const other = await startRenter({ key: freshKey(), miners: [miner] })
  const extension = sealExtension(net, other.key, value).bytes
  const request = { kind: 'extend' as const, leaseId, extension }
  await expect(other.peer.rpc.ask(leaseProtocol, miner.key.peerId, request)).rejects.toMatchObject({
    code: 'REFUSED_NOT_AUTHORIZED',
  })
})

test('a renter that ends before the money, and after it: the next run goes on, and pays once', async () => {
  const { ledger, renterKey, ...start } = await persistentMarket()
  const miner = await start.miner()
  const never = () => new Promise<never>(() => undefined)
  // It ends with the miner's signature in hand, before anything is locked.
  const first = await start.renter([miner], { topUp: never })
  const { id } = await take(first, orderOf(miner))
  await until(() => first.book.live.get(id)!.lease.state === 'ACTIVE')
  void extendLease(first.book, first.book.live.get(id)!, { addMs: 30_000, idempotencyKey: 'x' })
  const hosted = miner.book.live.get(id)!
  await until(() => hosted.lease.offered !== undefined)
  await first.stop()
  expect(ledger.balance(renterKey)).toBe(GRANT - 60_000n)
  // It ends right after the money moved, before it could tell the miner.
  const inner = ledger.railOf(first.key).escrow
  const second = await start.renter([miner], {
    topUp: async (more) => {
      await inner.topUp(more)
      return never()
    },
  })
  await until(() => ledger.balance(renterKey) === GRANT - 90_000n)
  expect(hosted.terms.durationMs).toBe(60_000)
  await second.stop()
  const third = await start.renter([miner])
  const now = third.book.live.get(id)!
  await until(() => now.terms.durationMs === 90_000)
  await extendLease(third.book, now, { addMs: 30_000, idempotencyKey: 'x' })
  expect(hosted.lease.extensions).toHaveLength(1)
  const words = ({ lease }: typeof now | typeof hosted) =>
    lease.extensions!.flatMap(({ miner, renter }) => [miner, renter].map((one) => Buffer.from(one)))
  expect(words(now)).toEqual(words(hosted))
  expect(ledger.balance(renterKey)).toBe(GRANT - 90_000n)
  await stopLease(third, now)
  await until(() => isOver(now.lease))
  expect(ledger.balance(renterKey)).toBe(GRANT - BigInt(now.lease.cumulative))
})

test('a miner killed before it counts and after: asked again, it counts once, and its container knows', async () => {
  const { engine, ledger, renterKey, ...start } = await persistentMarket()
  const first = await start.miner()
  const renter = await start.renter([first])
  const now = await take(renter, orderOf(first))
  await until(() => now.lease.acknowledgedSeq >= 1)
  // It ends with the extension stored, and its engine not told.
  engine.silent = true
  const asked = extendLease(renter.book, now, { addMs: 30_000 })
  await until(() => first.book.live.get(now.id)!.terms.durationMs === 90_000)
  await asked
  await first.kill()
  engine.silent = false
  const [container] = engine.containers.values()
  const end = now.lease.startedAtMs! + 90_000
  expect(container!.expiresAtMs).toBeLessThan(end - 10_000)
  const second = await start.miner()
  await until(() => container!.expiresAtMs > end - 10_000)
  // It ends before it hears of the next one: the renter's word is kept until it is back.
  await second.kill()
  await expect(extendLease(renter.book, now, { addMs: 10_000 })).rejects.toMatchObject({
    code: 'PEER_OUTCOME_UNKNOWN',
  })
  expect(now.lease.extending).toMatchObject({ durationMs: 100_000 })
  const third = await start.miner()
  await meet(renter, third)
  await until(() => now.terms.durationMs === 100_000)
  expect(now.lease.extending).toBeUndefined()
  const hosted = third.book.live.get(now.id)!
  expect(hosted.terms).toEqual(now.terms)
  expect(ledger.balance(renterKey)).toBe(GRANT - 100_000n)
})

import { expect, test } from 'vitest'
import type { NodeError } from '../../../src/errors.ts'
import { exitCodeOf } from '../../../src/node/exit-codes.ts'
import type { HostBook } from '../../../src/node/leases/host-book.ts'
import { sweepQueue } from '../../../src/node/leases/host-queue.ts'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { OPEN_POLICY, type Policy } from '../../../src/node/leases/policy.ts'
import type { RentedNow } from '../../../src/node/leases/rent-book.ts'
import { costsNoMore, waitInLine } from '../../../src/node/leases/wait-in-line.ts'
import { QUEUE_GRACE_MS, TURN_MS } from '../../../src/node/leases/waiting-line.ts'
import type { Wish } from '../../../src/node/leases/wish.ts'
import { followAll } from '../../../src/node/services/rent.ts'
import { type LeaseRequest, leaseProtocol } from '../../../src/protocols/lease.ts'
import type { Place } from '../../../src/protocols/lease-queue.ts'
import type { Offer } from '../../../src/protocols/offers.ts'
import type { Signed } from '../../../src/protocols/signed.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import {
  freshKey,
  meet,
  offerOf,
  orderOf,
  startMiner,
  startRenter,
  stopLease,
  type TestMiner,
  type TestRenter,
  take,
  tempFolder,
} from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'

const wish: Wish = {
  query: '',
  order: 'dph',
  image: 'busybox:1.37',
  durationMs: 60_000,
  waitMs: 60_000,
}

/** A full miner whose steady clock the test sets forward, the renter that fills it, and others who come. */
async function fullMarket() {
  const [engine, ledger] = [new FakeEngine(), new FakeLedger()]
  const clock = { aheadMs: 0 }
  const key = freshKey()
  const folder = await tempFolder()
  const start = () =>
    startMiner({
      key,
      ledger,
      engine,
      folder,
      endOnStop: false,
      book: { steadyMs: () => Date.now() + clock.aheadMs },
    })
  const miner = await start()
  const renterOf = async (...miners: readonly TestMiner[]) => {
    const renter = await startRenter({ key: freshKey(), ledger, miners })
    ledger.grant(renter.key, 10_000_000n)
    return renter
  }
  const first = await renterOf(miner)
  const now = await take(first, orderOf(miner))
  return { engine, ledger, miner, first, now, renterOf, clock, start }
}

/** Waits in the queue of whoever made these offers. */
function waiting(renter: TestRenter, ...offers: readonly Signed<Offer>[]) {
  const leaving = new AbortController()
  const free: Signed<Offer>[] = []
  const choice = { let: () => offers, free: () => free }
  const lease = waitInLine(renter.book, wish, choice, leaving.signal).finally(() =>
    followAll(renter.book),
  )
  lease.catch(() => undefined)
  const places = () => renter.events().filter(({ event }) => event === 'queue-place')
  return { lease, free, leave: () => leaving.abort(new Error('enough')), places }
}

const ask = async (renter: TestRenter, miner: TestMiner, request: LeaseRequest) =>
  renter.peer.rpc.ask(leaseProtocol, miner.key.peerId, request)
const joins = async (renter: TestRenter, miner: TestMiner): Promise<Place> => {
  const offer = miner.offer().bytes
  const answer = await ask(renter, miner, {
    kind: 'enqueue',
    offer,
    image: 'busybox:1.37',
    durationMs: 60_000,
  })
  if (answer.kind !== 'place') throw new Error('no place')
  return answer.place
}
const ended = (renter: TestRenter, now: RentedNow) =>
  stopLease(renter, now).then(() => until(() => isOver(now.lease)))
const waits = ({ line }: HostBook) => line.all().length

test('full, wait, the first lease ends, the next in line has it', async () => {
  const { miner, first, now, renterOf } = await fullMarket()
  const second = await renterOf(miner)
  const third = await renterOf(miner)
  const next = waiting(second, miner.offer())
  await until(() => next.places().length === 1)
  const last = waiting(third, miner.offer())
  await until(() => last.places().length === 1)
  expect(next.places()[0]).toMatchObject({ position: 1, waiting: 1, miner: miner.key.peerId })
  // What runs has an agreed end; how long the one ahead will take nobody can tell yet.
  expect(next.places()[0]!['etaMs']).toBeGreaterThan(50_000)
  expect(last.places()[0]).toMatchObject({ position: 2, waiting: 2, etaMs: null })
  await ended(first, now)
  const second1 = await next.lease
  expect(second1.terms).toMatchObject({ renter: second.key.peerId, devices: ['cpu-0'] })
  await until(() => last.places().at(-1)!['position'] === 1)
  await until(() => second1.lease.state === 'ACTIVE')
  await ended(second, second1)
  expect((await last.lease).terms.renter).toBe(third.key.peerId)
  expect(waits(miner.book)).toBe(0)
})

test('who leaves makes room for those behind, with Ctrl-C or by its ticket', async () => {
  const { miner, first, now, renterOf } = await fullMarket()
  const [leaver, other, stayer] = [
    await renterOf(miner),
    await renterOf(miner),
    await renterOf(miner),
  ]
  const left = waiting(leaver, miner.offer())
  await until(() => waits(miner.book) === 1)
  const named = waiting(other, miner.offer())
  await until(() => waits(miner.book) === 2)
  const stays = waiting(stayer, miner.offer())
  await until(() => stays.places().at(-1)?.['position'] === 3)
  left.leave()
  await expect(left.lease).rejects.toThrow('enough')
  await until(() => stays.places().at(-1)!['position'] === 2)
  await until(() => other.book.waits.all()[0]?.position === 1)
  const [row] = other.book.waits.all()
  expect(row!.miner).toBe(miner.key.peerId)
  expect(other.book.waits.end(row!.ticket.slice(0, 8))).toBe(1)
  await expect(named.lease).rejects.toMatchObject({ code: 'REFUSED_QUEUE_LEFT' })
  await until(() => stays.places().at(-1)!['position'] === 1)
  await ended(first, now)
  expect((await stays.lease).terms.renter).toBe(stayer.key.peerId)
  expect(other.book.waits.all()).toEqual([])
})

test('a turn that is not used passes on, and counts as a reservation that was not paid for', async () => {
  const { miner, first, now, renterOf, clock } = await fullMarket()
  const [idle, eager] = [await renterOf(miner), await renterOf(miner)]
  const { ticket } = await joins(idle, miner)
  const next = waiting(eager, miner.offer())
  await until(() => waits(miner.book) === 2)
  const from = { peerId: idle.key.peerId, prefix: undefined }
  await ended(first, now)
  const answer = await ask(idle, miner, { kind: 'place', ticket })
  expect(answer).toMatchObject({ kind: 'place', place: { position: 0 } })
  expect(miner.book.capacity.free()).toEqual([])
  await until(() => next.places().at(-1)!['position'] === 1)
  clock.aheadMs += TURN_MS
  await sweepQueue(miner.book)
  expect((await next.lease).terms.renter).toBe(eager.key.peerId)
  await expect(ask(idle, miner, { kind: 'place', ticket })).rejects.toMatchObject({
    code: 'REFUSED_TICKET',
  })
  // Three of its four are left.
  for (let left = 3; left > 0; left--) miner.book.unpaid.spend(from)
  expect(miner.book.unpaid.has(from)).toBe(false)
})

test('who is silent keeps its place for the grace, but gets no turn', async () => {
  const { miner, first, now, renterOf, clock } = await fullMarket()
  const [silent, present] = [await renterOf(miner), await renterOf(miner)]
  const { ticket } = await joins(silent, miner)
  const next = waiting(present, miner.offer())
  await until(() => next.places().at(-1)?.['position'] === 2)
  clock.aheadMs += QUEUE_GRACE_MS / 2
  await ended(first, now)
  expect((await next.lease).terms.renter).toBe(present.key.peerId)
  const kept = await ask(silent, miner, { kind: 'place', ticket })
  expect(kept).toMatchObject({ place: { position: 1 } })
  clock.aheadMs += QUEUE_GRACE_MS
  await sweepQueue(miner.book)
  expect(waits(miner.book)).toBe(0)
})

test('a miner that starts again knows who waits, in which order', async () => {
  const { miner, first, now, renterOf, start } = await fullMarket()
  const [second, third] = [await renterOf(miner), await renterOf(miner)]
  const next = waiting(second, miner.offer())
  await until(() => next.places().length === 1)
  const last = waiting(third, miner.offer())
  await until(() => last.places().length === 1)
  // What the first was told for its turn binds the miner after a restart too; the other could be told nothing.
  const told = (of: TestMiner) => of.book.line.order().map(({ ticket }) => ticket.toldAtMs)
  const promised = told(miner)
  expect(promised).toEqual([expect.any(Number), undefined])
  await miner.kill()
  const again = await start()
  expect(told(again)).toEqual(promised)
  for (const renter of [first, second, third]) {
    await meet(renter, again)
  }
  await until(() => again.book.line.all().every(({ asking }) => asking === 1))
  expect(again.book.line.order().map(({ renter }) => renter)).toEqual([
    second.key.peerId,
    third.key.peerId,
  ])
  await ended(first, now)
  expect((await next.lease).terms.renter).toBe(second.key.peerId)
  await until(() => last.places().at(-1)!['position'] === 1)
  expect(next.places().map(({ ticket }) => ticket)).not.toContain(undefined)
  expect(new Set(next.places().map(({ ticket }) => ticket)).size).toBe(1)
})

test('of several miners the one with the shortest queue is waited at', async () => {
  const { miner, ledger, first, renterOf } = await fullMarket()
  const other = await startMiner({ key: freshKey(), ledger, engine: new FakeEngine() })
  await first.peer.libp2p.dial(other.peer.libp2p.getMultiaddrs())
  await take(first, orderOf(other))
  const renter = await renterOf(miner, other)
  await joins(renter, miner)
  const wait = waiting(renter, miner.offer(), other.offer())
  await until(() => wait.places().length === 1)
  expect(wait.places()[0]!['miner']).toBe(other.key.peerId)
  wait.leave()
  await expect(wait.lease).rejects.toThrow('enough')
  await until(() => waits(other.book) === 0)
})

test('what becomes free elsewhere at no higher price is taken, and the place is given up', async () => {
  const { miner, ledger, renterOf } = await fullMarket()
  const other = await startMiner({ key: freshKey(), ledger, engine: new FakeEngine() })
  const [renter, ahead] = [await renterOf(miner, other), await renterOf(miner)]
  const { ticket } = await joins(ahead, miner)
  const wait = waiting(renter, miner.offer())
  await until(() => wait.places().at(-1)?.['position'] === 2)
  wait.free.push(other.offer({ dph: '3.7' }), other.offer({ dph: '0.5', asset: 'TAO' }))
  renter.book.events.emit('offer-seen')
  await ask(ahead, miner, { kind: 'leave', ticket })
  await until(() => wait.places().at(-1)!['position'] === 1)
  // Its place does not change any more: the offer alone wakes it.
  wait.free.push(other.offer({ dph: '3.6' }))
  renter.book.events.emit('offer-seen')
  expect((await wait.lease).terms).toMatchObject({
    miner: other.key.peerId,
    pricePerHour: '3600000',
  })
  expect(waits(miner.book)).toBe(0)
})

test.each<
  [string, Partial<Offer> & { count?: number }, Pick<Wish, 'devices' | 'exclusive'>, boolean]
>([
  ['the same', {}, {}, true],
  ['less', { dph: '3' }, {}, true],
  ['more', { dph: '3.61' }, {}, false],
  ['another asset', { asset: 'TAO' }, {}, false],
  ['more for proving nothing', { exclusiveDph: '5' }, { exclusive: true }, false],
  ['half as much for both of two', { dph: '3.6', count: 2 }, { devices: 1 }, true],
  ['the same for two where one was meant', { count: 2 }, {}, false],
  ['one where two are wanted', {}, { devices: 2 }, false],
])('an offer that costs %s', (_, { count: many = 1, ...changes }, asked, costs) => {
  const payload = (count: number, more: Partial<Offer>) => {
    const [first] = offerOf(freshKey()).devices
    const all = Array.from({ length: count }, (__, n) => ({ ...first!, id: `cpu-${n}` }))
    return { payload: offerOf(freshKey(), { exclusiveDph: '4', devices: all, ...more }) }
  }
  expect(costsNoMore(asked, payload(many, changes), payload(1, {}))).toBe(costs)
})

test('of two devices one is kept for the first in line that wants both, but for what ends before', async () => {
  const [engine, ledger] = [new FakeEngine(), new FakeLedger()]
  const miner = await startMiner({ key: freshKey(), ledger, engine, devices: ['cpu-0', 'cpu-1'] })
  const renters = await Promise.all(
    [1, 2, 3].map(async () => {
      const renter = await startRenter({ key: freshKey(), ledger, miners: [miner] })
      ledger.grant(renter.key, 10_000_000n)
      return renter
    }),
  )
  const [first, both, small] = renters as [TestRenter, TestRenter, TestRenter]
  const device = (...ids: string[]) => ({
    devices: ids.map((id) => ({ id, vendor: 'AMD', name: 'CPU', vramMiB: 0 })),
  })
  const now = await take(first, orderOf(miner, { offer: miner.offer(device('cpu-0')) }))
  await until(() => now.lease.state === 'ACTIVE')
  const wait = waiting(both, miner.offer(device('cpu-0', 'cpu-1')))
  await until(() => wait.places().at(-1)?.['position'] === 1)
  const other = (durationMs: number) =>
    take(small, orderOf(miner, { offer: miner.offer(device('cpu-1')), durationMs }))
  await expect(other(60_000)).rejects.toMatchObject({
    code: 'REFUSED_NO_CAPACITY',
    message: expect.stringContaining('wait longer'),
  })
  // For as long, but with an image that was never here and takes as long as the slowest of before.
  const slow = orderOf(miner, { offer: miner.offer(device('cpu-1')), image: 'new:1' })
  miner.book.pastPulls.push({ image: 'big:1', engine: undefined, ms: 600_000 })
  await expect(take(small, { ...slow, durationMs: 2000 })).rejects.toMatchObject({
    code: 'REFUSED_NO_CAPACITY',
  })
  const short = await other(2000)
  expect(short.terms.devices).toEqual(['cpu-1'])
  await until(() => short.lease.state === 'ACTIVE')
  await ended(small, short)
  expect(miner.book.capacity.free()).toEqual(['cpu-1'])
  await ended(first, now)
  expect((await wait.lease).terms.devices).toEqual(['cpu-0', 'cpu-1'])
})

test('no more wait than may, a ticket is for its renter and its request, a wait has its end', async () => {
  const { miner, renterOf } = await fullMarket()
  const renter = await renterOf(miner)
  const stranger = await renterOf(miner)
  const { ticket } = await joins(renter, miner)
  await expect(ask(stranger, miner, { kind: 'place', ticket })).rejects.toMatchObject({
    code: 'REFUSED_TICKET',
  })
  await ask(stranger, miner, { kind: 'leave', ticket })
  expect(waits(miner.book)).toBe(1)
  for (let n = 1; n < 4; n++) await joins(renter, miner)
  await expect(joins(renter, miner)).rejects.toMatchObject({ code: 'REFUSED_QUEUE' })
  const reserve = {
    ...{ kind: 'reserve' as const, offer: miner.offer().bytes, nonce: new Uint8Array(16) },
    ...{ durationMs: 60_000, image: 'busybox:1.37', authorized: [], ticket },
  }
  await expect(ask(renter, miner, reserve)).rejects.toMatchObject({ code: 'REFUSED_NO_CAPACITY' })
  const short = waitInLine(
    stranger.book,
    { ...wish, waitMs: 300 },
    {
      let: () => [miner.offer()],
      free: () => [],
    },
  )
  await expect(short).rejects.toMatchObject({ code: 'REFUSED_NO_CAPACITY' })
  await until(() => waits(miner.book) === 4)
})

test('who paid before goes first, a stranger all the same in the end; a denied renter loses its place', async () => {
  const { miner, first, now, renterOf } = await fullMarket()
  const [stranger, denied] = [await renterOf(miner), await renterOf(miner)]
  await miner.book.payers.put(first.key.peerId, Uint8Array.of(1))
  const early = waiting(stranger, miner.offer())
  await until(() => early.places().at(-1)?.['position'] === 1)
  const { ticket } = await joins(denied, miner)
  const late = waiting(first, miner.offer())
  await until(() => early.places().at(-1)!['position'] === 2)
  const policy = { ...OPEN_POLICY, denyRenters: [denied.key.peerId] }
  Object.assign(miner.book, { policy: () => policy })
  const asking = ask(denied, miner, { kind: 'place', ticket })
  await expect(asking).rejects.toMatchObject({ code: 'REFUSED_POLICY' })
  await until(() => waits(miner.book) === 2)
  await ended(first, now)
  const own = await late.lease
  expect(own.terms.renter).toBe(first.key.peerId)
  await until(() => own.lease.state === 'ACTIVE')
  await ended(first, own)
  expect((await early.lease).terms.renter).toBe(stranger.key.peerId)
})

test('a policy is kept for those who reserve: each rule by its name', async () => {
  const { miner, first, renterOf, engine, ledger } = await fullMarket()
  const rule = async (rules: Partial<Policy>, renter: TestRenter, at = miner) => {
    Object.assign(at.book, { policy: () => ({ ...OPEN_POLICY, ...rules }) })
    const refusal = await take(renter, orderOf(at)).catch((error: unknown) => error)
    const { code, details } = refusal as NodeError
    expect([code, exitCodeOf(refusal)]).toEqual(['REFUSED_POLICY', 5])
    expect(details['peer']).toBe(at.key.peerId)
    return (refusal as NodeError).message
  }
  const other = await renterOf(miner)
  expect(await rule({ denyRenters: [other.key.peerId] }, other)).toContain('deny-renter')
  expect(await rule({ allowRenters: [first.key.peerId] }, other)).toContain('allow-renter')
  expect(await rule({ minLeaseMs: 120_000 }, other)).toContain('min-lease')
  expect(await rule({ maxLeaseMs: 30_000 }, other)).toContain('max-lease')
  expect(await rule({ maxLeasesPerRenter: 1 }, first)).toContain('max-per-renter')
  Object.assign(miner.book, { policy: () => ({ ...OPEN_POLICY, maxWaiting: 0 }) })
  await expect(joins(other, miner)).rejects.toMatchObject({ code: 'REFUSED_QUEUE' })
  const wide = await startMiner({ key: freshKey(), ledger, engine, devices: ['cpu-0', 'cpu-1'] })
  await first.peer.libp2p.dial(wide.peer.libp2p.getMultiaddrs())
  expect((await take(first, orderOf(wide))).terms.devices).toEqual(['cpu-0'])
})

import { expect, onTestFinished, test } from 'vitest'
import { codeOf, NodeError } from '../../../src/errors.ts'
import { silent } from '../../../src/log.ts'
import { createEvents } from '../../../src/node/events.ts'
import { createCapacity } from '../../../src/node/leases/capacity.ts'
import { type HostEngine, namedEngines } from '../../../src/node/leases/host-engines.ts'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { hostedLeaseCodec } from '../../../src/node/leases/lease-records.ts'
import { reconcileVolumes, tendVolumes } from '../../../src/node/leases/tend-volumes.ts'
import { watchEngine } from '../../../src/node/services/watch-engine.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import {
  freshKey,
  meet,
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

const engineOf = (device: string): string => device.split('/')[0]!
const DEVICES = ['a/0', 'a/1', 'b/0']

/** A miner with engines `a` and `b`; records that name none are of `a`. */
async function start(
  engines: Readonly<Record<string, FakeEngine>>,
  options: { readonly key?: ReturnType<typeof freshKey>; readonly folder?: string } = {},
) {
  const ledger = new FakeLedger()
  const all = Object.entries(engines).map(
    ([name, engine], at): HostEngine => ({
      name,
      engine,
      isProven: at === 0,
      room: () => ({ memoryMiB: 100 + at, milliCpus: 1000, diskMiB: 10 }),
    }),
  )
  const miner = await startMiner({
    key: options.key ?? freshKey(),
    ledger,
    engine: all[0]!.engine,
    endOnStop: false,
    ...(options.folder === undefined ? {} : { folder: options.folder }),
    book: {
      engines: namedEngines(all, all[0]!, engineOf),
      capacity: createCapacity(DEVICES, engineOf),
      proofSharePpm: 1700,
    },
  })
  const renter = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  ledger.grant(renter.key, 100_000_000n)
  return { miner, renter, ledger }
}

const rent = async (miner: TestMiner, renter: TestRenter, ids: string[], more: object = {}) => {
  const devices = ids.map((id) => ({ id, vendor: 'AMD', name: 'CPU', vramMiB: 0 }))
  const now = await take(renter, orderOf(miner, { offer: miner.offer({ devices }), ...more }))
  await until(() => now.lease.state === 'ACTIVE')
  return now
}

test('a lease is on the engine of its devices, gets what that gives, and its record says which', async () => {
  const [a, b] = [new FakeEngine(), new FakeEngine()]
  const { miner, renter } = await start({ a, b })
  const [both, one] = [
    await rent(miner, renter, ['a/0', 'a/1']),
    await rent(miner, renter, ['b/0']),
  ]
  expect([[...a.containers.keys()], [...b.containers.keys()]]).toEqual([[both.id], [one.id]])
  expect(both.terms).toMatchObject({ memoryMiB: 100, proofSharePpm: 1700 })
  expect(one.terms).toMatchObject({ memoryMiB: 101, proofSharePpm: 0 })
  expect((await miner.book.records.get(one.id))?.hostEngine).toBe('b')
  await stopLease(renter, one)
  await until(() => isOver(one.lease))
  expect([a.containers.size, b.containers.size]).toEqual([1, 0])
  expect(miner.book.capacity.free()).toEqual(['b/0'])
})

test('an engine that does not answer at a restart is waited for; the leases of the other are adopted at once', async () => {
  const [a, b] = [new FakeEngine(), new FakeEngine()]
  const [key, folder] = [freshKey(), await tempFolder()]
  const { miner, renter } = await start({ a, b }, { key, folder })
  const [near, far] = [await rent(miner, renter, ['a/0']), await rent(miner, renter, ['b/0'])]
  await until(() => far.lease.acknowledgedSeq > 0)
  await miner.stop()
  const list = b.list.bind(b)
  b.list = () => Promise.reject(new NodeError('ENGINE_UNKNOWN', 'away'))
  const again = await start({ a, b }, { key, folder })
  const [nearNow, farNow] = [near, far].map(({ id }) => again.miner.book.live.get(id)!)
  await until(() => nearNow!.container !== undefined && farNow!.lease.health === 'unknown')
  expect(farNow).toMatchObject({ isUnseen: true, lease: { state: 'ACTIVE', hostEngine: 'b' } })
  const { upMs } = farNow!.lease.meter!
  // Its container may run: its devices stay its own until that is known.
  expect(again.miner.book.capacity.free()).toEqual(['a/1'])
  b.list = list
  await until(() => farNow!.container !== undefined)
  expect(farNow!.lease.meter!.upMs).toBe(upMs)
  await until(() => farNow!.lease.health === 'ok')
})

/** The engine does not answer, until what is returned is called. */
function leave(engine: FakeEngine): () => void {
  const list = engine.list.bind(engine)
  engine.silent = true
  engine.list = () => Promise.reject(new NodeError('ENGINE_UNKNOWN', 'away'))
  return () => {
    engine.silent = false
    engine.list = list
  }
}

test('a lease ends and is settled while its engine is away; its container goes, and its device comes free, when that is back', async () => {
  const [a, b] = [new FakeEngine(), new FakeEngine()]
  const [key, folder] = [freshKey(), await tempFolder()]
  const { miner, renter, ledger } = await start({ a, b }, { key, folder })
  const volumes = [{ name: 'data', path: '/data' }]
  const far = await rent(miner, renter, ['b/0'], { volumes })
  await until(() => far.lease.acknowledgedSeq > 0)
  let back = leave(b)
  await stopLease(renter, far)
  await until(() => isOver(far.lease))
  expect(far.lease).toMatchObject({ state: 'SETTLED', ending: { code: 'renter-stopped' } })
  expect(ledger.balance(key)).toBe(BigInt(far.lease.cumulative))
  // It may run on, and write: nobody else gets its device or its volume.
  const holds = (of: TestMiner) => of.book.capacity.holds(far.id)
  expect([holds(miner), b.containers.size]).toEqual([true, 1])
  expect(await rent(miner, renter, ['b/0']).catch(codeOf)).toBe('REFUSED_NO_CAPACITY')
  expect(await rent(miner, renter, ['b/0'], { volumes }).catch(codeOf)).toBe('REFUSED_VOLUME_BUSY')
  expect(miner.book.live.get(far.id)?.lease).toMatchObject({ containerStays: true })

  // The same after a restart, in which it does not answer either.
  await miner.stop()
  const again = await start({ a, b }, { key, folder })
  expect(again.miner.book.live.get(far.id)?.lease.state).toBe('SETTLED')
  expect([holds(again.miner), b.containers.size]).toEqual([true, 1])
  back()
  await until(() => !holds(again.miner))
  expect([b.containers.size, again.miner.book.live.size]).toEqual([0, 0])
  const record = await again.miner.book.records.get(far.id)
  expect(record).toMatchObject({ state: 'SETTLED' })
  expect(record).not.toHaveProperty('containerStays')
  expect(ledger.balance(key)).toBe(BigInt(far.lease.cumulative))

  // And in one run of the node.
  const next = await rent(again.miner, again.renter, ['b/0'])
  back = leave(b)
  await stopLease(again.renter, next)
  await until(() => isOver(next.lease))
  expect(again.miner.book.capacity.free()).toEqual(['a/0', 'a/1'])
  back()
  await until(() => again.miner.book.capacity.free().length === 3)
  expect([b.containers.size, again.miner.book.live.size]).toEqual([0, 0])
})

test('after a restart that its engine does not answer in, a lease ends when its time is over or its renter stops it', async () => {
  const [a, b] = [new FakeEngine(), new FakeEngine()]
  const [key, folder] = [freshKey(), await tempFolder()]
  const { miner, renter } = await start({ a, b }, { key, folder })
  const [short, long] = [
    await rent(miner, renter, ['a/0'], { durationMs: 2500 }),
    await rent(miner, renter, ['a/1']),
  ]
  await until(() => [short, long].every(({ lease }) => lease.acknowledgedSeq > 0))
  await miner.stop()
  const back = leave(a)
  const again = await start({ a, b }, { key, folder })
  await meet(renter, again.miner)
  await stopLease(renter, long)
  await until(() => [short, long].every(({ lease }) => isOver(lease)))
  expect([short, long].map(({ lease }) => lease.ending?.code)).toEqual([
    'expired',
    'renter-stopped',
  ])
  const { capacity } = again.miner.book
  expect([capacity.holds(short.id), capacity.holds(long.id)]).toEqual([true, true])
  back()
  await until(() => capacity.free().length === 3)
  expect(a.containers.size).toBe(0)
})

test('a record without an engine is of the default one, and one of an engine that is gone is unknown', async () => {
  const [a, b] = [new FakeEngine(), new FakeEngine()]
  const [key, folder] = [freshKey(), await tempFolder()]
  const { miner, renter } = await start({ a, b }, { key, folder })
  const [old, gone] = [await rent(miner, renter, ['a/0']), await rent(miner, renter, ['b/0'])]
  await miner.book.locks.run(old.id, async () => {
    const { hostEngine: _, ...lease } = miner.book.live.get(old.id)!.lease
    await miner.book.save(
      miner.book.live.get(old.id)!,
      hostedLeaseCodec.decode(hostedLeaseCodec.encode(lease as never)),
    )
  })
  await miner.stop()
  const again = await start({ a }, { key, folder })
  const { live } = again.miner.book
  await until(() => live.get(old.id)!.container !== undefined)
  await until(() => live.get(gone.id)!.lease.health === 'unknown')
  expect(live.get(gone.id)!.lease.state).toBe('ACTIVE')
})

test('a fault of one engine shuts that one alone, and both events say which', async () => {
  const [a, b] = [new FakeEngine(), new FakeEngine()]
  const { miner, renter } = await start({ a, b })
  const near = await rent(miner, renter, ['a/0'])
  const events = createEvents(Date.now)
  const service = watchEngine({ core: { log: silent, events }, hosting: miner.book })
  const look = async (): Promise<void> => {
    const ended = new AbortController()
    onTestFinished(() => ended.abort())
    await service.start(ended.signal)
    ended.abort()
  }
  b.fault = new NodeError('ENGINE_UNKNOWN', 'connect ECONNREFUSED')
  await look()
  b.fault = new NodeError('ENGINE_UNKNOWN', 'socket hang up')
  await look()
  expect(miner.book.capacity.free()).toEqual(['a/1'])
  expect(near.lease.state).toBe('ACTIVE')
  b.fault = new NodeError('ENGINE_DISK', 'nearly full')
  await look()
  b.fault = undefined
  await look()
  expect(miner.book.capacity.free()).toEqual(['a/1', 'b/0'])
  expect(events.recent()).toMatchObject([
    { event: 'engine-away', engine: 'b', reason: 'its engine b does not answer' },
    { event: 'hosting-paused', engine: 'b', code: 'ENGINE_DISK' },
    { event: 'hosting-resumed', engine: 'b' },
  ])
})

test('a volume stays on the engine where it was made; one that is silent keeps nobody from the other', async () => {
  const [a, b] = [new FakeEngine(), new FakeEngine()]
  const { miner, renter } = await start({ a, b })
  const volumes = [{ name: 'data', path: '/data' }]
  const first = await rent(miner, renter, ['a/0'], { volumes })
  expect([a.kept.size, b.kept.size]).toEqual([1, 0])
  await stopLease(renter, first)
  await until(() => isOver(first.lease))
  expect(await rent(miner, renter, ['b/0'], { volumes }).catch(codeOf)).toBe('REFUSED_TERMS')
  await rent(miner, renter, ['b/0'], { volumes: [{ name: 'more', path: '/data' }] })
  expect([a.kept.size, b.kept.size]).toEqual([1, 1])
  b.silent = true
  a.kept.set('f'.repeat(32), 0)
  await reconcileVolumes(miner.book)
  await tendVolumes(miner.book)
  expect([a.kept.size, b.kept.size]).toEqual([1, 1])
})

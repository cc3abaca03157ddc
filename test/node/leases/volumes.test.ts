import { expect, test } from 'vitest'
import { codeOf } from '../../../src/errors.ts'
import type { Hosting } from '../../../src/node/hosting.ts'
import { dropVolume, findVolumes, volumeHomes } from '../../../src/node/leases/rent-volumes.ts'
import { reconcileVolumes, tendVolumes } from '../../../src/node/leases/tend-volumes.ts'
import { DEFAULT_VOLUME_POLICY } from '../../../src/node/leases/volume-records.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import {
  freshKey,
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

type Book = Hosting['book']
const DEVICES = ['cpu-0', 'cpu-1', 'cpu-2']

/** A miner with three devices, so that several leases run at once, and two renters. */
async function twoRenters(
  options: { readonly folder?: string; readonly engine?: FakeEngine } = {},
) {
  const { engine = new FakeEngine() } = options
  const ledger = new FakeLedger()
  let nowMs = Date.now()
  const volumePolicy = { ...DEFAULT_VOLUME_POLICY, defaultMiB: 100, ttlMs: 1_000_000 }
  const miner = await startMiner({
    ...{ key: freshKey(), ledger, engine, devices: DEVICES },
    ...(options.folder === undefined ? {} : { folder: options.folder }),
    book: { volumePolicy, nowMs: () => nowMs },
  })
  const renters = await Promise.all(
    [0, 1].map(() => startRenter({ key: freshKey(), ledger, miners: [miner] })),
  )
  for (const { key } of renters) ledger.grant(key, 10_000_000n)
  const [alice, bob] = renters as [TestRenter, TestRenter]
  const later = (ms: number): void => {
    nowMs += ms
  }
  return { engine, ledger, miner, alice, bob, later }
}

/** A lease of one of the miner's devices with a volume at /data. */
const rentWith = async (
  miner: TestMiner,
  renter: TestRenter,
  device: string,
  more: { readonly name?: string; readonly readOnly?: true } = {},
) => {
  const offer = miner.offer({ devices: [{ id: device, vendor: 'AMD', name: 'CPU', vramMiB: 0 }] })
  const volumes = [{ name: 'data', path: '/data', ...more }]
  const now = await take(renter, orderOf(miner, { offer, volumes }))
  await until(() => now.lease.state === 'ACTIVE' || now.lease.state === 'FAILED')
  return now
}

const mountsOf = (engine: FakeEngine, id: string) => engine.containers.get(id)!.spec.volumes!

async function ended(miner: TestMiner, renter: TestRenter, now: Awaited<ReturnType<typeof take>>) {
  await stopLease(renter, now)
  await until(() => !miner.book.capacity.holds(now.id))
}

const tend = async (book: Book): Promise<void> => {
  await reconcileVolumes(book)
  await tendVolumes(book)
}

test('a volume is there again, is its renter’s alone, and is kept to its time', async () => {
  const { engine, miner, alice, bob, later } = await twoRenters()
  const first = await rentWith(miner, alice, 'cpu-0')
  expect(first.terms.volumes).toEqual([{ name: 'data', path: '/data', sizeMiB: 100 }])
  const [mount] = mountsOf(engine, first.id)
  expect(mount).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
    path: '/data',
    readOnly: false,
  })

  // One writes; a second lease of the same renter may read, and nobody else sees anything of it.
  expect(await rentWith(miner, alice, 'cpu-1').catch(codeOf)).toBe('REFUSED_VOLUME_BUSY')
  const reader = await rentWith(miner, alice, 'cpu-1', { readOnly: true })
  expect(mountsOf(engine, reader.id)).toEqual([{ ...mount, readOnly: true }])
  const stranger = await rentWith(miner, bob, 'cpu-2')
  expect(mountsOf(engine, stranger.id)[0]!.id).not.toBe(mount!.id)
  const { found } = await findVolumes(alice.book)
  expect(found).toMatchObject([{ name: 'data', sizeMiB: 100, enforced: true }])
  expect(found[0]!.leases).toHaveLength(2)
  expect(await dropVolume(alice.book, 'data', undefined).catch(codeOf)).toBe('REFUSED_VOLUME_BUSY')

  await ended(miner, alice, first)
  await ended(miner, alice, reader)
  await ended(miner, bob, stranger)
  const again = await rentWith(miner, alice, 'cpu-0')
  expect(mountsOf(engine, again.id)).toEqual([mount])
  expect([...(await volumeHomes(alice.book, again.terms.volumes!))!]).toEqual([miner.key.peerId])
  await ended(miner, alice, again)

  // Its time begins when its last lease has ended.
  later(900_000)
  await tend(miner.book)
  expect(engine.kept.size).toBe(2)
  await dropVolume(bob.book, 'data', undefined)
  expect([...engine.kept.keys()]).toEqual([mount!.id])
  later(200_000)
  await tend(miner.book)
  expect(engine.kept.size).toBe(0)
  expect((await findVolumes(alice.book)).found).toMatchObject([
    { removed: { reason: 'no lease had it for its time' } },
  ])
  expect(await volumeHomes(alice.book, again.terms.volumes!)).toBeUndefined()
  later(1_100_000)
  await tend(miner.book)
  expect((await findVolumes(alice.book)).found).toEqual([])
})

test('who writes too much where only measuring tells loses the lease, not the data', async () => {
  const { engine, miner, alice } = await twoRenters()
  engine.enforced = false
  const now = await rentWith(miner, alice, 'cpu-0')
  engine.kept.set(mountsOf(engine, now.id)[0]!.id, 101 * 1024 * 1024)
  await tend(miner.book)
  await until(() => now.lease.ending?.code === 'volume-full')
  expect(now.lease.ending).toMatchObject({ outcome: 'failed' })
  await until(() => !miner.book.capacity.holds(now.id))
  expect(await rentWith(miner, alice, 'cpu-0').catch(codeOf)).toBe('REFUSED_VOLUME')
  expect((await rentWith(miner, alice, 'cpu-0', { readOnly: true })).lease.state).toBe('ACTIVE')
})

test('what a crash left is brought together: no volume without an owner, no removal half done', async () => {
  const { engine, miner, alice } = await twoRenters()
  const now = await rentWith(miner, alice, 'cpu-0')
  await ended(miner, alice, now)
  const [mount] = mountsOfRecord(miner)
  const orphan = 'f'.repeat(32)
  engine.kept.set(orphan, 0)
  await tend(miner.book)
  expect([...engine.kept.keys()]).toEqual([mount])

  // The engine is away while it is removed: that is written, and goes on when it is back.
  engine.silent = true
  expect(await dropVolume(alice.book, 'data', undefined).catch(codeOf)).toBe('PEER_ENGINE_UNKNOWN')
  expect(engine.kept.has(mount!)).toBe(true)
  await tend(miner.book)
  expect(engine.kept.has(mount!)).toBe(true)
  engine.silent = false
  await tend(miner.book)
  expect(engine.kept.size).toBe(0)
})

const mountsOfRecord = ({ book }: TestMiner): string[] => book.volumes.map(({ id }) => id)

test('a node that starts again knows whose its volumes are; one that the engine lost is told', async () => {
  const folder = await tempFolder()
  const { engine, ledger, miner, alice } = await twoRenters({ folder })
  const now = await rentWith(miner, alice, 'cpu-0')
  await ended(miner, alice, now)
  const [id] = mountsOfRecord(miner)
  await miner.stop()
  const again = await startMiner({ key: miner.key, ledger, engine, folder })
  await reconcileVolumes(again.book)
  expect(mountsOfRecord(again)).toEqual([id])
  engine.kept.clear()
  await reconcileVolumes(again.book)
  expect(again.book.volumes).toMatchObject([
    {
      id,
      renter: alice.key.peerId,
      removed: { reason: 'its container engine lost it', gone: true },
    },
  ])
})

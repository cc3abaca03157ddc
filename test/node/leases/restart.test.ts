import { expect, test } from 'vitest'
import type { ContainerSpec } from '../../../src/containers/engine.ts'
import { NodeError } from '../../../src/errors.ts'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { openSession } from '../../../src/node/leases/open-session.ts'
import type { FakeContainer } from '../../support/fake-engine.ts'
import { meet, orderOf, stopLease, take } from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'
import { persistentMarket } from '../../support/persistent-market.ts'
import { execIn } from '../../support/session.ts'

test('a miner killed during a lease: the command is lost clearly, the lease is adopted and goes on', async () => {
  const { engine, ledger, ...start } = await persistentMarket()
  const first = await start.miner()
  const renter = await start.renter([first])
  const now = await take(renter, orderOf(first))
  await until(() => now.lease.acknowledgedSeq >= 2)
  const at = { leaseId: now.lease.leaseId, miner: first.key.peerId }
  const request = { kind: 'exec' as const, command: ['sleep'], tty: false, env: {} }
  const channel = await openSession(renter.book, at, request, new AbortController().signal)
  const frames = channel.frames()[Symbol.asyncIterator]()
  await frames.next()
  await first.kill()
  await expect(frames.next()).rejects.toMatchObject({ code: 'PEER_LOST' })
  await until(() => now.lease.health === 'unknown')
  expect(now.lease.state).toBe('ACTIVE')
  const upMs = now.lease.meter.upMs
  const second = await start.miner()
  expect([...second.book.live.keys()]).toEqual([now.id])
  expect(second.book.capacity.free()).toEqual([])
  await meet(renter, second)
  expect((await execIn({ renter, ...at, command: ['echo', 'again'] })).stdout).toBe('again\n')
  await until(() => now.lease.meter.upMs > upMs && now.lease.health === 'ok')
  await stopLease(renter, now)
  await until(() => isOver(now.lease))
  expect(now.lease.state).toBe('SETTLED')
  expect(engine.containers.size).toBe(0)
  expect(ledger.balance(first.key)).toBe(BigInt(now.lease.cumulative))
})

test('a restarted miner ends what it cannot go on with and removes what belongs to no lease', async () => {
  const { engine, ledger, ...start } = await persistentMarket()
  const first = await start.miner()
  const renter = await start.renter([first])
  const now = await take(renter, orderOf(first))
  await until(() => now.lease.acknowledgedSeq >= 1)
  await first.kill()
  const [container] = engine.containers.values()
  engine.containers.clear()
  const orphan = { ...container!.spec, leaseId: 'ab'.repeat(32) }
  await engine.create(orphan)
  const second = await start.miner()
  await until(() => engine.containers.size === 0)
  await meet(renter, second)
  await until(() => isOver(now.lease))
  expect(now.lease).toMatchObject({
    state: 'FAILED',
    ending: { outcome: 'failed', reason: 'its container was removed' },
  })
  expect(second.book.capacity.free()).toEqual(['cpu-0'])
  expect(ledger.balance(first.key)).toBe(BigInt(now.lease.cumulative))
})

test('what belongs to no lease goes as soon as the engine does it', async () => {
  const { engine, ...start } = await persistentMarket()
  const { spec } = (await engine.create(specOf('ab'.repeat(32)))) as FakeContainer
  engine.silent = true
  const miner = await start.miner()
  expect([...engine.containers.keys()]).toEqual([spec.leaseId])
  engine.silent = false
  await until(() => engine.containers.size === 0)
  expect(miner.book.capacity.free()).toEqual(['cpu-0'])
})

const specOf = (leaseId: string): ContainerSpec => ({
  leaseId,
  image: 'busybox:1.37',
  memoryMiB: 64,
  cpus: 1,
  expiresAtMs: Date.now() + 60_000,
})

test('a miner that was killed while it started a lease ends it and leaves nothing', async () => {
  const { engine, ledger, ...start } = await persistentMarket()
  const first = await start.miner()
  const renter = await start.renter([first])
  engine.ensureImage = () => new Promise(() => undefined)
  const now = await take(renter, orderOf(first))
  await until(() => first.book.live.get(now.id)?.lease.state === 'STARTING')
  await first.kill()
  const second = await start.miner()
  await meet(renter, second)
  await until(() => isOver(now.lease))
  expect(now.lease).toMatchObject({ state: 'FAILED', settled: '0' })
  expect(engine.containers.size).toBe(0)
  expect(ledger.balance(renter.key)).toBe(10_000_000n)
})

test('a lease whose time ran out while its miner was down ends as agreed', async () => {
  const { engine, ...start } = await persistentMarket()
  const first = await start.miner()
  const renter = await start.renter([first])
  const now = await take(renter, orderOf(first, { durationMs: 1500 }))
  await until(() => now.lease.acknowledgedSeq >= 1)
  await first.kill()
  const end = now.lease.expiresAtMs!
  await until(() => Date.now() > end)
  const second = await start.miner()
  await meet(renter, second)
  await until(() => isOver(now.lease))
  expect(now.lease.ending?.reason).toBe('the agreed time is over')
  expect(BigInt(now.lease.cumulative)).toBeLessThan(1500n)
  expect(engine.containers.size).toBe(0)
})

test('a renter that comes back takes the receipts it missed, countersigns and pays for them', async () => {
  const { ledger, ...start } = await persistentMarket()
  const miner = await start.miner()
  const first = await start.renter([miner])
  const { id } = await take(first, orderOf(miner))
  await until(() => first.book.live.get(id)!.lease.acknowledgedSeq >= 1)
  await first.stop()
  const hosted = miner.book.live.get(id)!
  const missed = hosted.lease.meter!.seq
  await until(() => hosted.lease.meter!.seq >= missed + 4)
  expect(hosted.lease.state).toBe('ACTIVE')
  const second = await start.renter([miner])
  const now = second.book.live.get(id)!
  await until(() => now.lease.acknowledgedSeq >= missed + 4)
  await stopLease(second, now)
  await until(() => isOver(now.lease))
  expect(now.lease.state).toBe('SETTLED')
  expect(ledger.balance(miner.key)).toBe(BigInt(now.lease.cumulative))
  expect(await second.book.records.receipts(id, 0, 1000)).toHaveLength(now.lease.meter.seq)
})

test('an engine that answers only later after a restart: leases wait for it', async () => {
  const { engine, ...start } = await persistentMarket()
  const first = await start.miner()
  const renter = await start.renter([first])
  const now = await take(renter, orderOf(first))
  await until(() => now.lease.acknowledgedSeq >= 1)
  await first.kill()
  const list = engine.list.bind(engine)
  let asked = 0
  engine.list = async () => {
    asked += 1
    if (asked < 2) throw new Error('no answer yet')
    return list()
  }
  const second = await start.miner()
  expect(asked).toBe(2)
  await meet(renter, second)
  await until(
    () => now.lease.health === 'ok' && second.book.live.get(now.id)?.lease.state === 'ACTIVE',
  )
})

test('an engine that is gone after a restart leaves its leases unknown, and another restart adopts them', async () => {
  const { engine, ledger, ...start } = await persistentMarket()
  const first = await start.miner()
  const renter = await start.renter([first])
  const now = await take(renter, orderOf(first))
  await until(() => now.lease.acknowledgedSeq >= 1)
  await first.kill()
  const absent = new NodeError('ENGINE_ABSENT', 'no Docker Engine answers')
  const second = await start.miner(absent)
  const held = second.book.live.get(now.id)!
  await until(() => held.lease.health === 'unknown')
  const { upMs } = held.lease.meter!
  await until(() => held.lease.meter!.seq >= now.lease.meter.seq + 2)
  expect(held.lease).toMatchObject({ state: 'ACTIVE', meter: { upMs } })
  await second.kill()
  const third = await start.miner()
  await meet(renter, third)
  await until(() => now.lease.health === 'ok' && now.lease.meter.upMs > upMs)
  expect(engine.containers.size).toBe(1)
})

test('a device that was let again while an older lease waits for its money stays held after a restart', async () => {
  const { engine, ledger: _, ...start } = await persistentMarket()
  const first = await start.miner()
  const renter = await start.renter([first])
  renter.book.lifetime.abort(new Error('it countersigns nothing'))
  const served = async () => {
    const now = await take(renter, orderOf(first))
    await until(() => (first.book.live.get(now.id)?.lease.meter?.seq ?? 0) >= 1)
    return now
  }
  const waiting: string[] = []
  let running = await served()
  // Records are read in the order of their ids: one that waits must come before the one that runs.
  while (!waiting.some((id) => id < running.id)) {
    await stopLease(renter, running)
    await until(() => first.book.capacity.free().length === 1)
    waiting.push(running.id)
    running = await served()
  }
  await first.kill()
  const second = await start.miner()
  expect(second.book.live.get(running.id)?.lease.state).toBe('ACTIVE')
  await until(() => waiting.every((id) => second.book.live.get(id)?.closing.signal.aborted))
  expect(second.book.capacity.holds(running.id)).toBe(true)
  expect(second.book.capacity.free()).toEqual([])
  expect([...engine.containers.keys()]).toEqual([running.id])
})

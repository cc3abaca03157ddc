import { expect, test } from 'vitest'
import { HOST_PAUSE_MS } from '../../../src/node/leases/host-troubles.ts'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { viewOf } from '../../../src/node/leases/lease-view.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import {
  freshKey,
  meet,
  orderOf,
  startMiner,
  startRenter,
  take,
  tempFolder,
} from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'

/** A lease that costs nothing, on a miner whose steady clock the test sets forward. */
async function running() {
  const engine = new FakeEngine()
  const clock = { aheadMs: 0 }
  const book = { steadyMs: () => Date.now() + clock.aheadMs }
  const [key, folder] = [freshKey(), await tempFolder()]
  const start = () => startMiner({ key, engine, book, folder, endOnStop: false })
  const miner = await start()
  const renter = await startRenter({ key: freshKey(), miners: [miner] })
  const terms = { minLeaseMs: 1000, maxLeaseMs: 3_600_000, rails: [] }
  const offer = miner.offer({ dph: '0', terms })
  const now = await take(renter, orderOf(miner, { offer, durationMs: 3_600_000 }))
  await until(() => now.lease.meter.seq >= 1)
  const [container] = engine.containers.values()
  const told = (from: typeof miner | typeof renter, event: string) =>
    from.events().filter((one) => one.event === event)
  const shown = () => viewOf(renter.book, now.lease).progress
  return { engine, clock, miner, start, renter, now, container: container!, told, shown }
}

test('a container that its host pauses: both sides are told, and when it goes on; it ends if that lasts', async () => {
  const { clock, miner, renter, now, container, told, shown } = await running()
  container.state = 'paused'
  await until(() => shown()?.includes('paused from outside') === true)
  expect(told(miner, 'lease-host-paused')).toMatchObject([{ id: now.id, endsInMs: HOST_PAUSE_MS }])
  expect(told(renter, 'lease-notice')).toHaveLength(1)
  await until(() => now.lease.health === 'failed')
  container.state = 'running'
  await until(() => shown() === null)
  expect(told(miner, 'lease-host-resumed')).toHaveLength(1)
  container.state = 'paused'
  await until(() => told(miner, 'lease-host-paused').length === 2)
  expect(isOver(now.lease)).toBe(false)
  const { upMs } = now.lease.meter
  clock.aheadMs += HOST_PAUSE_MS
  await until(() => isOver(now.lease))
  expect(viewOf(renter.book, now.lease)).toMatchObject({ ending: 'host-paused', fault: 'miner' })
  expect(now.lease.meter.upMs).toBeLessThan(upMs + HOST_PAUSE_MS)
})

test('a restart of the miner neither ends the pause of its host nor begins its time anew', async () => {
  const { clock, miner, start, renter, now, container, told } = await running()
  container.state = 'paused'
  await until(() => told(miner, 'lease-host-paused').length === 1)
  await miner.kill()
  clock.aheadMs += HOST_PAUSE_MS - 60_000
  const again = await start()
  await meet(renter, again)
  await until(() => told(again, 'lease-adopted').length === 1)
  expect([container.state, now.lease.state]).toEqual(['paused', 'ACTIVE'])
  clock.aheadMs += 60_000
  await until(() => isOver(now.lease))
  expect(now.lease.ending?.code).toBe('host-paused')
})

test('a process that is killed for want of memory: both sides are told, and the lease goes on', async () => {
  const { engine, miner, renter, now, told, shown } = await running()
  const kill = () => engine.runOutOfMemory.dispatchEvent(new Event('kill'))
  kill()
  await until(() => shown()?.includes('more than 256 MiB was needed') === true)
  kill()
  await until(() => shown()?.includes('2 so far') === true)
  expect(told(miner, 'lease-out-of-memory')).toMatchObject([{ kills: 1 }, { kills: 2 }])
  expect(told(renter, 'lease-notice')).toHaveLength(2)
  expect(now.lease.state).toBe('ACTIVE')
})

import { expect, test } from 'vitest'
import { openSession } from '../../../src/node/leases/open-session.ts'
import { pauseRented } from '../../../src/node/leases/pause-rented.ts'
import { leaseProtocol } from '../../../src/protocols/lease.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import {
  freshKey,
  market,
  orderOf,
  startMiner,
  startRenter,
  take,
  tempFolder,
} from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'
import { execIn } from '../../support/session.ts'

test('a renter pauses and resumes: the container stands still, it is billed, sessions are refused', async () => {
  const { engine, miner, renter } = await market()
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.acknowledgedSeq >= 1)
  const at = { leaseId: now.lease.leaseId, miner: miner.key.peerId }
  const [container] = engine.containers.values()
  await pauseRented(renter.book, now, 'pause')
  await pauseRented(renter.book, now, 'pause')
  expect([now.lease.state, now.lease.health, container!.state]).toEqual(['PAUSED', 'ok', 'paused'])
  const request = { kind: 'exec' as const, command: ['true'], tty: false, env: {} }
  await expect(
    openSession(renter.book, at, request, new AbortController().signal).then((channel) =>
      channel.frames()[Symbol.asyncIterator]().next(),
    ),
  ).rejects.toMatchObject({ code: 'REFUSED_PAUSED', next: expect.stringContaining('resume') })
  const { upMs } = now.lease.meter
  await until(() => now.lease.meter.upMs > upMs + 500)
  expect(now.lease).toMatchObject({ state: 'PAUSED', health: 'ok' })
  await pauseRented(renter.book, now, 'resume')
  expect([now.lease.state, container!.state]).toEqual(['ACTIVE', 'running'])
  expect((await execIn({ renter, ...at, command: ['echo', 'on'] })).stdout).toBe('on\n')
  for (const { events } of [miner, renter]) {
    const names = events().map(({ event }) => event)
    expect(names.filter((name) => /^lease-(paused|resumed)$/.test(name))).toEqual([
      'lease-paused',
      'lease-resumed',
    ])
  }
})

test('nobody else pauses it, and a renter’s pause outlives both nodes', async () => {
  const [engine, ledger] = [new FakeEngine(), new FakeLedger()]
  const [minerKey, renterKey, folder, renterFolder] = [
    freshKey(),
    freshKey(),
    await tempFolder(),
    await tempFolder(),
  ]
  ledger.grant(renterKey, 10_000_000n)
  const parts = { key: minerKey, ledger, engine, folder, endOnStop: false }
  const first = await startMiner(parts)
  const renterParts = { key: renterKey, ledger, folder: renterFolder }
  const renter = await startRenter({ ...renterParts, miners: [first] })
  const now = await take(renter, orderOf(first))
  await until(() => now.lease.acknowledgedSeq >= 1)
  const stranger = await startRenter({ key: freshKey(), miners: [first] })
  await expect(
    stranger.peer.rpc.ask(leaseProtocol, minerKey.peerId, {
      kind: 'pause',
      leaseId: now.lease.leaseId,
    }),
  ).rejects.toMatchObject({ code: 'REFUSED_NOT_AUTHORIZED' })
  await pauseRented(renter.book, now, 'pause')
  await Promise.all([first.kill(), renter.stop()])
  const [container] = engine.containers.values()
  container!.state = 'running' // as after a restart of the engine
  const second = await startMiner(parts)
  await until(() => container!.state === 'paused')
  const again = await startRenter({ ...renterParts, miners: [second] })
  const back = again.book.live.get(now.id)!
  const { upMs } = back.lease.meter
  await until(() => back.lease.meter.upMs > upMs)
  expect([back.lease.state, second.book.live.get(now.id)!.lease.state]).toEqual([
    'PAUSED',
    'PAUSED',
  ])
  await pauseRented(again.book, back, 'resume')
  expect(container!.state).toBe('running')
})

test('a paused lease whose renter goes away is suspended, unbilled; it comes back paused', async () => {
  const [engine, ledger, key, folder] = [
    new FakeEngine(),
    new FakeLedger(),
    freshKey(),
    await tempFolder(),
  ]
  ledger.grant(key, 10_000_000n)
  const book = { creditMs: 700 }
  const miner = await startMiner({ key: freshKey(), ledger, engine, book })
  const renter = await startRenter({ key, ledger, miners: [miner], folder })
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.acknowledgedSeq >= 1)
  await pauseRented(renter.book, now, 'pause')
  await renter.stop()
  const hosted = miner.book.live.get(now.id)!
  await until(() => hosted.lease.state === 'SUSPENDED')
  const { upMs } = hosted.lease.meter!
  const again = await startRenter({ key, ledger, miners: [miner], folder })
  await until(() => hosted.lease.state === 'PAUSED')
  expect(engine.containers.values().next().value!.state).toBe('paused')
  expect(hosted.lease.meter!.upMs).toBeLessThan(upMs + 600)
  const back = again.book.live.get(now.id)!
  await until(() => back.lease.state === 'PAUSED')
  await pauseRented(again.book, back, 'resume')
  expect(hosted.lease).toMatchObject({ state: 'ACTIVE' })
  expect(hosted.lease.pausedBy).toBeUndefined()
})

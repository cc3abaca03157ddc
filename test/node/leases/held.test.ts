import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { NodeError } from '../../../src/errors.ts'
import type { Log } from '../../../src/log.ts'
import { silent } from '../../../src/log.ts'
import { createEvents } from '../../../src/node/events.ts'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { viewOf } from '../../../src/node/leases/lease-view.ts'
import { rentLease } from '../../../src/node/leases/rent-lease.ts'
import { watchEngine } from '../../../src/node/services/watch-engine.ts'
import { MiB } from '../../../src/units.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import {
  freshKey,
  market,
  orderOf,
  startMiner,
  startRenter,
  stopLease,
  take,
  tempFolder,
} from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'

const held = { runtime: 'runc', fenced: true, diskQuota: false }

test('what holds a tenant, and its disk, stand in the terms both sign', async () => {
  const { engine, miner, renter } = await market()
  engine.isolation = held
  const now = await take(renter, orderOf(miner, { offer: miner.offer({ isolation: held }) }))
  expect(now.terms).toMatchObject({ diskMiB: 100, isolation: held })
  expect(viewOf(renter.book, now.lease)).toMatchObject({ diskMiB: 100, isolation: held })
  const [container] = engine.containers.values()
  expect(container?.spec.diskMiB).toBe(100)
})

test('an offer of what is not so any more is not taken', async () => {
  const { engine, miner, renter } = await market()
  engine.isolation = { ...held, fenced: false }
  const order = orderOf(miner, { offer: miner.offer({ isolation: held }) })
  await expect(rentLease(renter.book, order)).rejects.toMatchObject({ code: 'REFUSED_OFFER_GONE' })
})

test('a lease that writes more than its share ends, by its own fault and to be paid', async () => {
  const { engine, miner, renter } = await market()
  engine.isolation = held
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.acknowledgedSeq >= 1)
  engine.diskBytes = 100 * MiB
  await until(() => now.lease.acknowledgedSeq >= 3)
  expect(now.lease.state).toBe('ACTIVE')
  await until(() => viewOf(renter.book, now.lease).diskUsedMiB === 100)
  engine.diskBytes = 101 * MiB
  await until(() => isOver(now.lease))
  expect(now.lease).toMatchObject({
    ending: {
      code: 'disk-share',
      reason: expect.stringContaining('101 MiB of the 100 MiB in its terms'),
    },
  })
  expect(BigInt(now.lease.settled!)).toBeGreaterThan(0n)
})

test('where the storage holds it, nothing is measured', async () => {
  const { engine, miner, renter } = await market()
  const now = await take(renter, orderOf(miner))
  engine.diskBytes = 10_000 * MiB
  await until(() => now.lease.acknowledgedSeq >= 3)
  expect(now.lease.state).toBe('ACTIVE')
})

test('an image its owner denies is refused before anything is held', async () => {
  const { engine, miner, renter } = await market()
  engine.imageRefusal = new NodeError('REFUSED_IMAGE', 'not here')
  await expect(rentLease(renter.book, orderOf(miner))).rejects.toMatchObject({
    code: 'REFUSED_IMAGE',
  })
  expect(miner.book.live.size).toBe(0)
  expect(engine.pulls).toEqual([])
})

test('while the fence cannot be set nothing is free; what runs goes on, and all comes back', async () => {
  const { engine, miner, renter } = await market()
  const now = await take(renter, orderOf(miner))
  const events = createEvents(Date.now)
  const service = watchEngine({ core: { log: silent, events }, hosting: miner.book })
  const look = async (): Promise<void> => {
    const ended = new AbortController()
    await service.start(ended.signal)
    ended.abort()
  }
  await until(() => now.lease.state === 'ACTIVE')
  engine.fault = new NodeError('ENGINE_FIREWALL', 'it cannot be set')
  await look()
  expect(now.lease.state).toBe('ACTIVE')
  await stopLease(renter, now)
  await until(() => isOver(now.lease))
  expect(miner.book.capacity.free()).toEqual([])
  await expect(rentLease(renter.book, orderOf(miner))).rejects.toMatchObject({
    code: 'REFUSED_NO_CAPACITY',
    message: expect.stringContaining('it cannot be set'),
  })
  engine.fault = undefined
  await look()
  expect(miner.book.capacity.free()).toEqual(['cpu-0'])
  expect(events.recent().map(({ event }) => event)).toEqual(['hosting-paused', 'hosting-resumed'])
})

/** Every line that is logged, as one text. */
function recordingLog(lines: string[]): Log {
  const line = (...parts: unknown[]): void =>
    void lines.push(
      parts.map((part) => (part instanceof Error ? part.stack : JSON.stringify(part))).join(' '),
    )
  return { debug: line, info: line, warn: line, error: line, child: () => recordingLog(lines) }
}

async function everythingIn(folder: string): Promise<string> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const texts = files
    .filter((file) => file.isFile())
    .map((file) => readFile(join(file.parentPath, file.name), 'latin1'))
  return (await Promise.all(texts)).join('\n')
}

test.each([
  ['that can be had', undefined],
  ['that cannot', new NodeError('ENGINE_IMAGE', `cannot pull it: ${'denied '.repeat(50)}.`)],
])('a registry login reaches the pull of an image %s, and nothing else', async (_, imageError) => {
  const secret = 'correct-horse-battery'
  const engine = new FakeEngine()
  engine.imageError = imageError
  const ledger = new FakeLedger()
  const folders = [await tempFolder(), await tempFolder()] as const
  const lines: string[] = []
  const log = recordingLog(lines)
  const miner = await startMiner({ key: freshKey(), ledger, engine, folder: folders[0], log })
  const renter = await startRenter({
    key: freshKey(),
    ledger,
    miners: [miner],
    folder: folders[1],
    log,
  })
  ledger.grant(renter.key, 10_000_000n)
  const login = JSON.stringify({ username: 'somebody', password: secret })
  const now = await take(renter, orderOf(miner, { registryAuth: Buffer.from(login) }))
  await until(() => engine.logins.length === 1)
  expect(engine.logins).toEqual([login])
  if (imageError === undefined) {
    await until(() => now.lease.state === 'ACTIVE')
    expect([...engine.containers.values()][0]?.spec.privateImage).toBe(true)
    await stopLease(renter, now)
  }
  await until(() => isOver(now.lease))
  // Told whole, however much an engine has to say.
  if (imageError !== undefined) expect(now.lease.ending?.reason).toMatch(/denied \.$/)
  expect(engine.heldLogins.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true)
  await renter.stop()
  await miner.stop()
  const kept = await Promise.all(folders.map(everythingIn))
  const told = JSON.stringify([...miner.events(), ...renter.events()])
  for (const text of [...kept, lines.join('\n'), told]) {
    expect(text).not.toContain(secret)
    expect(text).not.toContain(Buffer.from(login).toString('base64').slice(20, 60))
  }
  expect(kept[0]).toContain('busybox') // it is the store that was searched
})

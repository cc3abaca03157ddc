import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { sleep } from '../../../src/clock.ts'
import { silent } from '../../../src/log.ts'
import { createIdempotency, KEPT_MS, MAX_KEYS } from '../../../src/node/control/idempotency.ts'
import type { LeaseView } from '../../../src/node/leases/lease-view.ts'
import { openStore } from '../../../src/node/store.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import type { KeyedRenterOrder } from '../../support/keyed-renter.ts'
import { freshKey, startMiner, tempFolder } from '../../support/lease-market.ts'

const refused = expect.objectContaining({ code: 'BAD_MESSAGE_IDEMPOTENCY' })

test('a key stands for one request, in whatever order its fields come, and is answered as before', async () => {
  const keys = createIdempotency({ log: silent })
  let done = 0
  const ask = (key: string, body: unknown, path = '/v1/leases') =>
    keys.once(key, { path, body }, async () => ({ nth: ++done, rao: 2n ** 70n }))
  const rao = (2n ** 70n).toString()
  expect(await ask('k', { a: 1, b: { c: [1, 2], d: null } })).toMatchObject({ nth: 1 })
  expect(await ask('k', { b: { d: null, c: [1, 2] }, a: 1 })).toEqual({ nth: 1, rao })
  await expect(ask('k', { a: 2, b: { c: [1, 2], d: null } })).rejects.toEqual(refused)
  await expect(ask('k', { a: 1, b: { c: [2, 1], d: null } })).rejects.toEqual(refused)
  const there = { a: 1, b: { c: [1, 2], d: null } }
  await expect(ask('k', there, '/v1/leases/ab/extend')).rejects.toEqual(refused)
  await expect(ask('k'.repeat(129), {})).rejects.toEqual(refused)
  const both = await Promise.all([ask('other', {}), ask('other', {})])
  expect(both.map(({ nth }) => nth)).toEqual([2, 2])
})

test('what failed is done again, and what is remembered is bounded and tells no password', async () => {
  const folder = await tempFolder()
  let now = 1_800_000_000_000
  let done = 0
  const open = async () => {
    const store = await openStore(join(folder, 'store'))
    const bucket = store.bucket('idempotency')
    const keys = createIdempotency({
      bucket,
      secret: new Uint8Array(32),
      log: silent,
      nowMs: () => now,
    })
    const ask = (key: string, body: unknown = {}) =>
      keys.once(key, { path: '/', body }, () => ({ nth: ++done }))
    return { store, bucket, keys, ask }
  }
  const first = await open()
  const fails = () => {
    throw new Error('not now')
  }
  await expect(first.keys.once('f', { path: '/', body: {} }, fails)).rejects.toThrow('not now')
  expect(await first.ask('f', {})).toEqual({ nth: 1 })
  await first.ask('secret', { password: 'hunter2' })
  await first.store[Symbol.asyncDispose]()

  const { store, bucket, ask } = await open()
  onTestFinished(() => store[Symbol.asyncDispose]())
  expect(await ask('f', {})).toEqual({ nth: 1 })
  await expect(ask('secret', { password: 'hunter3' })).rejects.toEqual(refused)
  const values = (await bucket.values().all()).map((value) => Buffer.from(value).toString())
  expect(values.join()).not.toContain('hunter')
  // One more than there is room for: the oldest goes.
  const rows = Array.from({ length: MAX_KEYS - 2 }, (_, i) => i)
  const value = Buffer.from(JSON.stringify({ digest: 'd', atMs: now + 1, answer: '{}' }))
  await bucket.batch(rows.map((i) => ({ type: 'put' as const, key: `row${i}`, value })))
  await store[Symbol.asyncDispose]()
  const full = await open()
  onTestFinished(() => full.store[Symbol.asyncDispose]())
  now += 2
  await full.ask('last')
  expect(await full.bucket.get('f')).toBeUndefined()
  expect((await full.bucket.keys().all()).length).toBe(MAX_KEYS)
  now += KEPT_MS
  expect(await full.ask('last')).toEqual({ nth: done })
  expect((await full.bucket.keys().all()).length).toBe(1)
})

/** Posts to a renter's socket. */
const post = (folder: string, path: string, key: string, body: object) =>
  new Promise<{ status: number; body: LeaseView & { code?: string } }>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key }
    const socketPath = join(folder, 'control.sock')
    request({ socketPath, path, method: 'POST', headers }, (answer) => {
      json(answer).then((read) => {
        resolve({ status: answer.statusCode!, body: read as LeaseView })
      }, reject)
    })
      .on('error', reject)
      .end(JSON.stringify(body))
  })

test('a renter that is killed in the middle, and again after it answered, spends once', {
  timeout: 120_000,
}, async () => {
  const folder = await tempFolder()
  const miner = await startMiner({ key: freshKey(), engine: new FakeEngine() })
  const { bytes: offer } = miner.offer({
    dph: '0',
    terms: { minLeaseMs: 1000, maxLeaseMs: 3_600_000, rails: [] },
  })
  const addrs = miner.peer.libp2p.getMultiaddrs().map(String)
  const program = join(import.meta.dirname, '../../support/keyed-renter.ts')
  const started = async (stopsDead: boolean): Promise<ChildProcess | undefined> => {
    const child = fork(program, { execArgv: [], serialization: 'advanced' })
    onTestFinished(() => void child.kill('SIGKILL'))
    const order: KeyedRenterOrder = { seed: 77, folder, addrs, offer, stopsDead }
    child.send(order)
    const [up] = await Promise.race([once(child, 'message'), once(child, 'exit')])
    return up === 'up' ? child : undefined
  }
  // On a busy machine its miner may not answer in time.
  const start = async (stopsDead = false): Promise<ChildProcess> =>
    (await started(stopsDead)) ?? (await started(stopsDead)) ?? (await started(stopsDead))!
  const done = async (ask: () => ReturnType<typeof post>) => {
    for (;;) {
      const answer = await ask()
      if (answer.status !== 502) return answer
      await sleep(200)
    }
  }
  const kill = async (child: ChildProcess): Promise<void> => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  const wish = { durationMs: 600_000 }

  const first = await start(true)
  let isThere = false
  const there = once(first, 'message').then(([word]) => {
    expect(word).toBe('there')
    isThere = true
  })
  while (!isThere) {
    const asked = post(folder, '/v1/leases', 'k1', wish).catch(() => undefined)
    await Promise.race([there, asked.then(() => sleep(200))])
  }
  await kill(first)

  const second = await start()
  const rented = await done(() => post(folder, '/v1/leases', 'k1', wish))
  expect(rented.status).toBe(200)
  const path = `/v1/leases/${rented.body.id}`
  const turn = (to: string, key: string) => done(() => post(folder, `${path}/${to}`, key, {}))
  await expect.poll(async () => (await turn('pause', '')).status, { timeout: 20_000 }).toBe(200)
  expect((await turn('resume', 'k2')).body.state).toBe('ACTIVE')
  expect((await turn('pause', '')).body.state).toBe('PAUSED')
  await kill(second)

  const third = await start()
  expect(await post(folder, '/v1/leases', 'k1', wish)).toEqual(rented)
  const other = await post(folder, '/v1/leases', 'k1', { durationMs: 700_000 })
  expect([other.status, other.body.code]).toEqual([422, 'BAD_MESSAGE_IDEMPOTENCY'])
  expect((await turn('resume', 'k2')).body.state).toBe('ACTIVE')
  expect([...miner.book.live.values()].map(({ lease }) => lease.state)).toEqual(['PAUSED'])
  await kill(third)
})

import { request } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { NodeError } from '../../../src/errors.ts'
import { silent } from '../../../src/log.ts'
import { extendOnce } from '../../../src/node/commands/extend.ts'
import { leasePath } from '../../../src/node/commands/lease-path.ts'
import { createControlClient } from '../../../src/node/control/client.ts'
import { leaseLifeRoute } from '../../../src/node/control/routes/lease-life.ts'
import { leasesRoute } from '../../../src/node/control/routes/leases.ts'
import { startControl } from '../../../src/node/control/server.ts'
import type { LeaseView } from '../../../src/node/leases/lease-view.ts'
import type { Offers } from '../../../src/node/offers.ts'
import { outputSchemas } from '../../../src/node/output-schemas.ts'
import { market, tempFolder } from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'

async function served() {
  const all = await market()
  const record = all.miner.offer()
  const offers = { search: () => [{ record, facts: {} }], find: () => record } as unknown as Offers
  const folder = await tempFolder()
  const socketPath = join(folder, 'control.sock')
  const control = await startControl({
    parts: { renting: all.renter.book, offers },
    routes: [leasesRoute, leaseLifeRoute],
    socketPath,
    tokenFile: join(folder, 'control.token'),
    log: silent,
  })
  const client = createControlClient(socketPath)
  onTestFinished(async () => {
    client[Symbol.dispose]()
    await control[Symbol.asyncDispose]()
  })
  return { ...all, client, socketPath }
}

/** A POST with a key that makes it safe to repeat. */
const postOnce = (socketPath: string, path: string, key: string, body: object): Promise<number> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key }
    request({ socketPath, path, method: 'POST', headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode!))
    })
      .on('error', reject)
      .end(JSON.stringify(body))
  })

test('extend, pause, resume and label; variables reach the container and stay nowhere', async () => {
  const { client, socketPath, engine, miner, renter } = await served()
  const secret = 's3cret-of-the-renter'
  const { id } = await client.post<LeaseView>('/v1/leases', {
    durationMs: 60_000,
    env: { TOKEN: secret },
    labels: { team: 'vision' },
    ports: [8888],
  })
  const running = await client.get<LeaseView>(leasePath(id, '/wait?state=running&ms=20000'))
  expect(running).toMatchObject({ labels: { team: 'vision' }, ports: [8888], extensions: 0 })
  const [container] = engine.containers.values()
  expect(container!.spec.env).toEqual({ TOKEN: secret })
  const hosted = miner.book.live.get(id)!
  expect(hosted.env).toBeUndefined()
  const stored = [
    await renter.book.store.db.values({ valueEncoding: 'view' }).all(),
    await miner.book.store.db.values({ valueEncoding: 'view' }).all(),
  ].flat()
  expect(stored.length).toBeGreaterThan(2)
  const kept = stored.filter((value) =>
    Buffer.from(value as unknown as Uint8Array).includes(secret),
  )
  expect(kept).toEqual([])
  const told = JSON.stringify([miner.events(), renter.events()])
  expect(told).not.toContain(secret)

  const path = leasePath(id, '/extend')
  for (const _ of [1, 2]) expect(await postOnce(socketPath, path, 'k', { addMs: 5000 })).toBe(200)
  const paused = await client.post<LeaseView>(leasePath(id, '/pause'))
  expect(paused).toMatchObject({ state: 'PAUSED', durationMs: 65_000, extensions: 1, cap: '0.065' })
  outputSchemas['pause']!.schema.parse(paused)
  expect(await client.post<LeaseView>(leasePath(id, '/resume'))).toMatchObject({ state: 'ACTIVE' })

  const change = { set: { 'run/no': '7' }, remove: ['team'] }
  const labelled = await client.post<LeaseView>(leasePath(id, '/labels'), change)
  expect(labelled.labels).toEqual({ 'run/no': '7' })
  const bad = client.post(leasePath(id, '/labels'), { set: { 'a b': 'x' } })
  await expect(bad).rejects.toMatchObject({ code: 'BAD_CONFIG_VALUE' })

  await client.post(leasePath(id, '/stop'))
  await until(() => !renter.book.live.has(id))
  const over = client.post(leasePath(id, '/extend'), { addMs: 5000 })
  await expect(over).rejects.toMatchObject({ code: 'REFUSED_NOT_RUNNING' })
  const later = await client.post<LeaseView>(leasePath(id, '/labels'), { set: { kept: 'yes' } })
  expect(later.labels).toEqual({ 'run/no': '7', kept: 'yes' })
})

test('a lease that is ended while its image is pulled: the wait of the engine ends, nothing is left', async () => {
  const { client, engine, miner, renter } = await served()
  let left = false
  engine.ensureImage = (_, options = {}) =>
    new Promise((_, reject) => {
      const progress = {
        image: 'x',
        layer: 'a',
        step: 'a: downloading',
        doneBytes: 1,
        totalBytes: 4,
      }
      options.onProgress?.(progress)
      options.signal?.addEventListener('abort', () => {
        left = true
        reject(options.signal?.reason)
      })
    })
  const { id } = await client.post<LeaseView>('/v1/leases', { durationMs: 60_000 })
  const pulling = 'pulling busybox:1.37: 0 of 1 layers, 25 %'
  let view: LeaseView
  do {
    view = await client.get<LeaseView>(leasePath(id, '/wait?state=running&ms=5000&said='))
  } while (view.progress !== pulling)
  await client.post(leasePath(id, '/stop'), { reason: 'cancelled by the renter' })
  await until(() => !renter.book.live.has(id))
  expect(left).toBe(true)
  expect([engine.containers.size, miner.book.capacity.free()]).toEqual([0, ['cpu-0']])
  const over = await client.get<LeaseView>(leasePath(id))
  expect(over).toMatchObject({
    ...{ over: true, state: 'SETTLED', settled: '0', ending: 'renter-stopped' },
  })
})

test('the command extends once: where the answer is lost it names the key, and where it is repeated it is the same', async () => {
  const { client, renter } = await served()
  const { signal } = new AbortController()
  const { id } = await client.post<LeaseView>('/v1/leases', { durationMs: 60_000 })
  await client.get<LeaseView>(leasePath(id, '/wait?state=running&ms=20000'))
  const body = { addMs: 36_000 }
  const keys: (string | undefined)[] = []
  // The node does it, and stops before it has said so.
  const lossy: typeof client = {
    ...client,
    async post(path, content, within, key) {
      keys.push(key)
      await client.post(path, content, within, key)
      throw new NodeError('FAILED_NODE_STOPPED', 'the node stopped')
    },
  }
  const once = extendOnce(lossy, id.slice(0, 12), body, { key: undefined, signal })
  await expect(once).rejects.toMatchObject({
    code: 'FAILED_NODE_STOPPED',
    next: expect.stringContaining('--hours 0.01 --key 60000+36000'),
  })
  expect(keys).toEqual(['60000+36000'])
  const again = await extendOnce(client, id, body, { key: '60000+36000', signal })
  expect(again).toMatchObject({ durationMs: 96_000, extensions: 1 })
  const named = { key: 'tuesday', signal }
  await Promise.all([extendOnce(client, id, body, named), extendOnce(client, id, body, named)])
  expect((await extendOnce(client, id, body, named)).durationMs).toBe(132_000)
  // Without a key of its own it is another one, for what counts now.
  const other = await extendOnce(client, id, body, { key: undefined, signal })
  expect(other).toMatchObject({ durationMs: 168_000, extensions: 3 })
  expect(renter.book.live.get(id)!.lease.extendedUnder).toContain('132000+36000')
})

test('who waits for the end of a lease is told at once where it stands', async () => {
  const { client, engine } = await served()
  const { id } = await client.post<LeaseView>('/v1/leases', { durationMs: 60_000 })
  await client.get<LeaseView>(leasePath(id, '/wait?state=running&ms=20000'))
  const moved = client.get<LeaseView>(leasePath(id, '/wait?ms=30000&notState=ACTIVE'))
  await client.post(leasePath(id, '/pause'))
  expect(await moved).toMatchObject({ state: 'PAUSED', over: false })
  await client.post(leasePath(id, '/resume'))
  const said = client.get<LeaseView>(leasePath(id, '/wait?ms=30000&said='))
  engine.runOutOfMemory.dispatchEvent(new Event('kill'))
  expect((await said).progress).toContain('out of memory')
})

import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NodeError } from '../../../src/errors.ts'
import { silent } from '../../../src/log.ts'
import { createControlClient } from '../../../src/node/control/client.ts'
import { eventsRoute } from '../../../src/node/control/routes/events.ts'
import { startControl } from '../../../src/node/control/server.ts'
import { createEvents } from '../../../src/node/events.ts'
import type { FrameChannel } from '../../../src/protocols/frames.ts'
import { MiB } from '../../../src/units.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-control-'))
})
afterEach(() => rm(folder, { recursive: true }))

const routes = (app: FastifyInstance): void => {
  app.get('/v1/money', async () => ({ units: 12n, key: Uint8Array.of(1, 255) }))
  app.get('/v1/refuse', async () => {
    throw new NodeError('REFUSED_CAPACITY', 'all is taken', { next: 'wait', lease: 'ab' })
  })
  app.get('/v1/broken', async () => {
    throw new Error('oh')
  })
  app.post('/v1/echo', async ({ body }) => body)
  app.webSocket('/v1/leases/:id/exec', async ({ params, query }, accept) => {
    if (params['id'] === 'other') throw new NodeError('REFUSED_KEY', 'not your lease')
    const socket = await accept()
    socket.on('message', (data) => socket.send(data))
    socket.resume()
    socket.send(`${params['id']} ${query.get('cmd')}`)
    if (params['id'] === 'dies') throw new NodeError('ENGINE_GONE', 'the container died')
  })
}

const frameRoutes = (app: FastifyInstance): void => {
  app.frames('/v1/leases/:id/files', async ({ params }, accept) => {
    if (params['id'] === 'other') throw new NodeError('REFUSED_KEY', 'not your lease')
    const client = await accept()
    for await (const { channel, data } of client.frames()) {
      await client.send(channel + 1, data)
      if (params['id'] === 'dies') {
        throw new NodeError('FAILED_LEASE_DISK', 'full', { next: 'make room' })
      }
    }
    await client.end()
  })
}

const events = () => createEvents(Date.now)

function start(
  options: { apiPort?: number; core?: { events: ReturnType<typeof createEvents> } } = {},
) {
  return startControl({
    parts: { core: options.core ?? { events: events() } },
    routes: [routes, frameRoutes, eventsRoute],
    socketPath: join(folder, 'control.sock'),
    tokenFile: join(folder, 'control.token'),
    apiPort: options.apiPort,
    log: silent,
  })
}

test('answers JSON on a socket that only this user may open', async () => {
  await using control = await start()
  expect((await stat(control.socketPath)).mode & 0o777).toBe(0o600)
  using client = createControlClient(control.socketPath)
  expect(await client.get('/v1/money')).toEqual({ units: '12', key: '01ff' })
  expect(await client.post('/v1/echo', { a: 1n })).toEqual({ a: '1' })
})

test.each([
  [
    '/v1/refuse',
    { code: 'REFUSED_CAPACITY', message: 'all is taken', next: 'wait', details: { lease: 'ab' } },
  ],
  ['/v1/broken', { code: 'FAILED', message: 'oh' }],
  ['/v1/absent', { code: 'NOTHING_MATCHED' }],
])('a failure of %s arrives as the error it was', async (path, expected) => {
  await using control = await start()
  using client = createControlClient(control.socketPath)
  await expect(client.get(path)).rejects.toMatchObject(expected)
})

test('says so when no node runs', async () => {
  using client = createControlClient(join(folder, 'control.sock'))
  await expect(client.get('/healthz')).rejects.toMatchObject({ code: 'FAILED_NOT_RUNNING' })
})

test('an event stream begins with recent events and goes on with new ones', async () => {
  const core = { events: events() }
  core.events.emit('offer-seen', { id: 'first' })
  await using control = await start({ core })
  using client = createControlClient(control.socketPath)
  const stop = new AbortController()
  const seen: unknown[] = []
  for await (const event of client.events(stop.signal)) {
    seen.push(event['id'])
    if (seen.length === 1) core.events.emit('offer-seen', { id: 'second' })
    if (seen.length === 2) stop.abort()
  }
  expect(seen).toEqual(['first', 'second'])
})

test('an event stream ends when the node stops', async () => {
  const control = await start()
  using client = createControlClient(control.socketPath)
  const stream = client.events(new AbortController().signal)[Symbol.asyncIterator]()
  const first = stream.next()
  await client.get('/healthz')
  await control[Symbol.asyncDispose]()
  await expect(first.then(({ done }) => done)).resolves.toBe(true)
})

test('a web socket carries bytes both ways', async () => {
  await using control = await start()
  using client = createControlClient(control.socketPath)
  const socket = await client.webSocket('/v1/leases/ab/exec?cmd=ls')
  const next = () =>
    new Promise((resolve) => {
      socket.once('message', (data) => resolve(String(data)))
      socket.resume()
    })
  expect(await next()).toBe('ab ls')
  socket.send('ping')
  expect(await next()).toBe('ping')
  socket.close()
})

test('a web socket is refused with the reason before it opens', async () => {
  await using control = await start()
  using client = createControlClient(control.socketPath)
  await expect(client.webSocket('/v1/leases/other/exec')).rejects.toMatchObject({
    code: 'REFUSED_KEY',
    message: 'not your lease',
  })
  await expect(client.webSocket('/v1/nowhere')).rejects.toMatchObject({ code: 'NOTHING_MATCHED' })
  await expect(client.webSocket('/v1/leases/%zz/exec')).rejects.toMatchObject({
    code: 'NOTHING_MATCHED',
  })
})

test('a web socket that fails later says why and closes', async () => {
  await using control = await start()
  using client = createControlClient(control.socketPath)
  const socket = await client.webSocket('/v1/leases/dies/exec')
  const messages: string[] = []
  socket.on('message', (data) => messages.push(String(data)))
  socket.resume()
  const code = await new Promise((resolve) => socket.once('close', resolve))
  expect(code).toBe(1011)
  expect(JSON.parse(messages.at(-1)!)).toEqual({
    error: { code: 'ENGINE_GONE', message: 'the container died' },
  })
})

describe('a connection that carries frames', () => {
  const received = async (channel: FrameChannel): Promise<[number, Buffer][]> => {
    const all: [number, Buffer][] = []
    for await (const frame of channel.frames()) all.push([frame.channel, Buffer.from(frame.data)])
    return all
  }

  test('has them unchanged both ways, and an end in each', async () => {
    await using control = await start()
    using client = createControlClient(control.socketPath)
    const channel = await client.frames('/v1/leases/ab/files')
    const large = randomBytes(MiB)
    const echoed = received(channel)
    await channel.send(4, Buffer.from('said'))
    await channel.send(9, new Uint8Array())
    for (let i = 0; i < 8; i++) await channel.send(200, large)
    await channel.end()
    const [said, empty, ...rest] = await echoed
    expect(said).toEqual([5, Buffer.from('said')])
    expect(empty).toEqual([10, Buffer.alloc(0)])
    expect(new Set(rest.map(([to]) => to))).toEqual(new Set([201]))
    const bytes = Buffer.concat(rest.map(([, data]) => data))
    expect(bytes.equals(Buffer.concat(Array(8).fill(large)))).toBe(true)
  })

  test('says when nobody reads what was sent any more', async () => {
    await using control = await start()
    using client = createControlClient(control.socketPath)
    const channel = await client.frames('/v1/leases/ab/files')
    const echoed = received(channel)
    const memory = Buffer.alloc(100_000)
    for (const [i, to] of [4, 200, 200, 4, 200, 200, 200].entries()) {
      memory.fill(i)
      const { promise, resolve } = Promise.withResolvers<void>()
      await channel.send(to, memory, resolve)
      await promise
    }
    await channel.end()
    const bytes = Buffer.concat((await echoed).map(([, data]) => data))
    const wanted = Array.from({ length: 7 }, (_, i) => Buffer.alloc(memory.length, i))
    expect(bytes.equals(Buffer.concat(wanted))).toBe(true)
  })

  test('is refused with the reason before it opens, and tells what fails later', async () => {
    await using control = await start()
    using client = createControlClient(control.socketPath)
    await expect(client.frames('/v1/leases/other/files')).rejects.toMatchObject({
      code: 'REFUSED_KEY',
      message: 'not your lease',
    })
    await expect(client.webSocket('/v1/leases/ab/files')).rejects.toMatchObject({
      code: 'BAD_MESSAGE',
    })
    const channel = await client.frames('/v1/leases/dies/files')
    await channel.send(4, Buffer.from('said'))
    await expect(received(channel)).rejects.toMatchObject({
      code: 'FAILED_LEASE_DISK',
      next: 'make room',
    })
  })

  test('ends with the node, which is no end of the frames', async () => {
    const control = await start()
    using client = createControlClient(control.socketPath)
    const channel = await client.frames('/v1/leases/ab/files')
    await channel.send(4, Buffer.from('said'))
    await control[Symbol.asyncDispose]()
    await expect(received(channel)).rejects.toMatchObject({ code: 'FAILED_NODE_STOPPED' })
  })
})

/** A raw request, as a page in a browser or a curious neighbour would send it. */
async function knock(url: string, headers: Record<string, string>): Promise<number> {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) =>
    request(url, { headers }, resolve).on('error', reject).end(),
  )
  await text(response)
  return response.statusCode!
}

test('a hold keeps a node until it is let go', async () => {
  await using control = await start()
  using client = createControlClient(control.socketPath)
  const never = new AbortController().signal
  await control.holds.released(never)
  const hold = await client.hold()
  expect(control.holds.count).toBe(1)
  const released = control.holds.released(never)
  hold[Symbol.dispose]()
  await released
  expect(control.holds.count).toBe(0)
})

test('waiting for a hold can be given up', async () => {
  await using control = await start()
  using client = createControlClient(control.socketPath)
  using _hold = await client.hold()
  await expect(control.holds.released(AbortSignal.timeout(20))).rejects.toThrow()
})

test('the loopback port asks for the token, our Host and our Origin', async () => {
  await using control = await start({ apiPort: 0 })
  const url = `${control.apiUrl}/v1/money`
  const tokenFile = join(folder, 'control.token')
  expect((await stat(tokenFile)).mode & 0o777).toBe(0o600)
  const authorization = `Bearer ${await readFile(tokenFile, 'utf8')}`
  expect(await knock(url, { authorization })).toBe(200)
  expect(await knock(url, { authorization, origin: control.apiUrl! })).toBe(200)
  expect(await knock(url, {})).toBe(401)
  expect(await knock(url, { authorization: 'Bearer wrong' })).toBe(401)
  expect(await knock(url, { authorization, host: 'evil.example' })).toBe(403)
  expect(await knock(url, { authorization, origin: 'http://evil.example' })).toBe(403)
  expect(await knock(`${control.apiUrl}/healthz`, {})).toBe(200)
})

test('a busy port is bad configuration', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as { port: number }
  await expect(start({ apiPort: port })).rejects.toMatchObject({ code: 'BAD_CONFIG_PORT' })
  other.close()
})

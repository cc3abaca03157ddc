import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { MadeToken } from '../../../src/api/access.ts'
import type { Scope } from '../../../src/api/route.ts'
import { silent } from '../../../src/log.ts'
import { createControlClient } from '../../../src/node/control/client.ts'
import { accessRoute } from '../../../src/node/control/routes/access.ts'
import { eventsRoute } from '../../../src/node/control/routes/events.ts'
import { type Control, startControl } from '../../../src/node/control/server.ts'
import type { Core } from '../../../src/node/core.ts'
import { createEvents } from '../../../src/node/events.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-access-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Something for each scope, and something that keeps a connection open. */
const probes = (app: FastifyInstance): void => {
  app.webSocket(
    '/v1/probe-socket',
    async (_, accept) => {
      const socket = await accept()
      socket.resume()
      await once(socket, 'close')
    },
    'read',
  )
  app.webSocket('/v1/probe-rent', async (_, accept) => void (await accept()).close(1000), 'rent')
  app.post('/v1/undeclared', async () => ({ done: true }))
}

const limits = { headersMs: 300, bodyMs: 300, connections: 64 }

function start(): Promise<Control> {
  const core = {
    events: createEvents(Date.now),
    peerId: 'me',
    net: { name: 'test-net' },
    config: { roles: ['renter'] },
  } as unknown as Core
  return startControl({
    parts: { core },
    routes: [accessRoute, eventsRoute, probes],
    socketPath: join(folder, 'control.sock'),
    tokenFile: join(folder, 'control.token'),
    apiPort: 0,
    log: silent,
    limits,
  })
}

interface Sent {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** A raw request, as a page in a browser or a curious neighbour would send it. */
async function knock(
  url: string,
  { method = 'GET', headers = {}, body }: Sent = {},
): Promise<{ status: number; headers: IncomingMessage['headers']; text: string }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    request(url, { method, headers, agent: false }, resolve).on('error', reject).end(body),
  )
  return { status: response.statusCode!, headers: response.headers, text: await text(response) }
}

const json = { 'content-type': 'application/json' }

async function rootToken(): Promise<string> {
  return `Bearer ${await readFile(join(folder, 'control.token'), 'utf8')}`
}

async function tokenOf(control: Control, scope: Scope, ttlMs?: number): Promise<MadeToken> {
  using client = createControlClient(control.socketPath)
  return await client.post<MadeToken>('/v1/tokens', { label: scope, scope, ttlMs })
}

async function loginUrl(control: Control, scope: Scope = 'operate'): Promise<string> {
  using client = createControlClient(control.socketPath)
  return (await client.post<{ url: string }>('/v1/login-codes', { scope })).url
}

async function cookieOf(control: Control, scope: Scope = 'operate'): Promise<string> {
  const { headers } = await knock(await loginUrl(control, scope))
  return headers['set-cookie']![0]!.split(';')[0]!
}

describe('a browser signs in', () => {
  test('once with a code, and gets a cookie that scripts and other sites do not', async () => {
    await using control = await start()
    const url = await loginUrl(control)
    const { status, headers } = await knock(url)
    expect([status, headers.location]).toEqual([303, '/'])
    const [cookie] = headers['set-cookie']!
    expect(cookie).toMatch(
      /^cn_session=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=43200$/,
    )
    const session = await knock(`${control.apiUrl}/v1/session`, {
      headers: { cookie: cookie!.split(';')[0]! },
    })
    expect(JSON.parse(session.text)).toMatchObject({ kind: 'cookie', scope: 'operate' })
    const again = await knock(url)
    expect([again.status, again.headers['set-cookie']]).toEqual([401, undefined])
    expect(again.text).toContain('compute-node ui')
    expect(again.headers['content-security-policy']).toBe("default-src 'none'")
  })

  test('stays signed in over a restart, and not after it signed out', async () => {
    const before = await start()
    const headers = { cookie: await cookieOf(before) }
    await before[Symbol.asyncDispose]()
    await using control = await start()
    const url = `${control.apiUrl}/v1/session`
    expect((await knock(url, { headers })).status).toBe(200)
    const out = { method: 'POST', headers: { ...headers, ...json, origin: control.apiUrl! } }
    const ended = await knock(`${url}/end`, { ...out, body: '{}' })
    expect(JSON.parse(ended.text)).toEqual({ ended: true })
    expect(ended.headers['set-cookie']![0]).toContain('Max-Age=0')
    await expect.poll(async () => (await knock(url, { headers })).status).toBe(401)
  })

  test('at 127.0.0.1 alone, for pages of leases open on localhost', async () => {
    await using control = await start()
    const url = (await loginUrl(control)).replace('127.0.0.1', 'localhost')
    const { status, headers } = await knock(url)
    expect([status, headers['set-cookie']]).toEqual([303, undefined])
    expect((await knock(headers.location!)).headers['set-cookie']).toHaveLength(1)
  })

  test('not because another page says so, and not through the unix socket', async () => {
    await using control = await start()
    const url = await loginUrl(control)
    for (const site of ['cross-site', 'same-site']) {
      expect((await knock(url, { headers: { 'sec-fetch-site': site } })).status).toBe(403)
    }
    expect((await knock(url)).status).toBe(303)
    using client = createControlClient(control.socketPath)
    await expect(client.get('/login?code=x')).rejects.toMatchObject({ code: 'NOTHING_MATCHED' })
  })

  test('guesses at codes are limited, and then even a right one waits', async () => {
    await using control = await start()
    const url = await loginUrl(control)
    const statuses: number[] = []
    for (let i = 0; i < 12; i++) {
      statuses.push((await knock(`${control.apiUrl}/login?code=guess${i}`)).status)
    }
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
    const right = await knock(url)
    expect(right.status).toBe(429)
    expect(Number(right.headers['retry-after'])).toBeGreaterThan(0)
  })
})

describe('pages of other origins', () => {
  test('reach nothing with the cookie: Host, Origin and Sec-Fetch-Site must be ours', async () => {
    await using control = await start()
    const cookie = await cookieOf(control)
    const own = control.apiUrl!
    const post = (headers: Record<string, string>, body = '{}') =>
      knock(`${own}/v1/login-codes`, {
        method: 'POST',
        headers: { ...json, cookie, ...headers },
        body,
      })
    expect((await post({ origin: own })).status).toBe(200)
    expect((await post({})).status).toBe(403) // every browser names an Origin here
    expect((await post({ origin: 'http://evil.example' })).status).toBe(403)
    expect((await post({ origin: 'http://127.0.0.1:1' })).status).toBe(403)
    expect((await post({ origin: 'null' })).status).toBe(403)
    expect((await post({ origin: own, 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await post({ origin: own, host: 'evil.example' })).status).toBe(403)
    const get = (headers: Record<string, string>) =>
      knock(`${own}/v1/session`, { headers: { cookie, ...headers } })
    expect((await get({ 'sec-fetch-site': 'same-site' })).status).toBe(403) // a forwarded port
    expect((await get({ 'sec-fetch-site': 'same-origin' })).status).toBe(200)
    expect((await get({ host: `evil.example:${new URL(own).port}` })).status).toBe(403)
  })

  test('a form sends what is not read', async () => {
    await using control = await start()
    const authorization = await rootToken()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const headers = { authorization, 'content-type': type }
      const sent = { method: 'POST', headers, body: '{"scope":"operate"}' }
      expect((await knock(`${control.apiUrl}/v1/login-codes`, sent)).status).toBe(415)
    }
  })

  test('a page of another port that plants a cookie of our name keeps nobody out', async () => {
    await using control = await start()
    const own = await cookieOf(control)
    const session = async (cookie: string): Promise<number> =>
      (await knock(`${control.apiUrl}/v1/session`, { headers: { cookie } })).status
    expect(await session(`cn_session=planted; ${own}`)).toBe(200)
    expect(await session('cn_session=planted; cn_session=too')).toBe(401)
    for (let i = 0; i < 30; i++) await session('cn_session=planted')
    expect(await session('cn_session=planted')).toBe(429)
    expect(await session(`cn_session=planted; ${own}`)).toBe(200)
  })

  test('a socket needs our Origin beside the cookie', async () => {
    await using control = await start()
    const cookie = await cookieOf(control)
    const url = `${control.apiUrl!.replace('http', 'ws')}/v1/probe-socket`
    const status = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve) => {
        const socket = new WebSocket(url, { headers })
        socket.once('open', () => {
          socket.close()
          resolve(101)
        })
        socket.once('unexpected-response', (_, { statusCode }) => resolve(statusCode!))
        socket.on('error', () => undefined)
      })
    expect(await status({ cookie, origin: control.apiUrl! })).toBe(101)
    expect(await status({ cookie, origin: 'http://evil.example' })).toBe(403)
    expect(await status({ cookie, origin: 'http://127.0.0.1:1' })).toBe(403)
    expect(await status({ cookie })).toBe(403)
    expect(await status({ cookie, origin: control.apiUrl!, host: 'evil.example' })).toBe(403)
    expect(await status({ origin: control.apiUrl! })).toBe(401)
  })
})

describe('tokens', () => {
  test('do what their scope says and no more, and are stored as hashes for this user alone', async () => {
    await using control = await start()
    const { token } = await tokenOf(control, 'read')
    const file = join(folder, 'access.json')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(file, 'utf8')).not.toContain(token)
    const headers = { authorization: `Bearer ${token}`, ...json }
    const session = await knock(`${control.apiUrl}/v1/session`, { headers })
    expect(JSON.parse(session.text)).toMatchObject({ scope: 'read', kind: 'token', peerId: 'me' })
    const tries = [
      '/v1/tokens',
      '/v1/login-codes',
      '/v1/listen',
      '/v1/undeclared',
      '/v1/tokens/x/revoke',
    ]
    for (const path of tries) {
      const sent = { method: 'POST', headers, body: '{"label":"more","scope":"operate"}' }
      const { status, text } = await knock(control.apiUrl + path, sent)
      expect([path, status, JSON.parse(text).code]).toEqual([path, 403, 'REFUSED_SCOPE'])
    }
    expect((await knock(`${control.apiUrl}/v1/tokens`, { headers })).status).toBe(403)
    const url = `${control.apiUrl!.replace('http', 'ws')}/v1/probe-rent`
    const socket = new WebSocket(url, { headers })
    socket.on('error', () => undefined)
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
    expect(response.statusCode).toBe(403)
  })

  test('end what they have open when they are revoked', async () => {
    await using control = await start()
    const { token, id } = await tokenOf(control, 'read')
    const headers = { authorization: `Bearer ${token}` }
    const stream = await new Promise<IncomingMessage>((resolve) =>
      request(`${control.apiUrl}/v1/events`, { headers }, resolve).end(),
    )
    stream.on('error', () => undefined).resume()
    const socket = new WebSocket(`${control.apiUrl!.replace('http', 'ws')}/v1/probe-socket`, {
      headers,
    })
    await once(socket, 'open')
    const said: string[] = []
    socket.on('message', (data) => said.push(String(data)))
    const over = [once(socket, 'close'), once(stream, 'close')]
    using client = createControlClient(control.socketPath)
    await client.post(`/v1/tokens/${id}/revoke`)
    const [[code]] = (await Promise.all(over)) as [[number], unknown]
    expect(code).toBe(1008)
    expect(JSON.parse(said.at(-1)!).error.code).toBe('REFUSED_CREDENTIAL')
    expect((await knock(`${control.apiUrl}/v1/session`, { headers })).status).toBe(401)
  })

  test('that a token made are no way to stay', async () => {
    await using control = await start()
    const thief = await tokenOf(control, 'operate', 3_600_000)
    const asThief = (path: string, body: object) =>
      knock(control.apiUrl + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${thief.token}`, ...json },
        body: JSON.stringify(body),
      })
    const long = { label: 'back door', scope: 'operate', ttlMs: 7_200_000 }
    const refused = await asThief('/v1/tokens', long)
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([403, 'REFUSED_TOKEN_LIFE'])
    const made = JSON.parse((await asThief('/v1/tokens', { ...long, ttlMs: undefined })).text)
    expect(made).toMatchObject({ madeBy: thief.id, expiresAtMs: thief.expiresAtMs })
    const { url } = JSON.parse((await asThief('/v1/login-codes', {})).text) as { url: string }
    const cookie = (await knock(url)).headers['set-cookie']![0]!.split(';')[0]!
    const inside = (): Promise<number[]> =>
      Promise.all(
        [{ authorization: `Bearer ${made.token}` }, { cookie }].map(
          async (headers) => (await knock(`${control.apiUrl}/v1/session`, { headers })).status,
        ),
      )
    expect(await inside()).toEqual([200, 200])
    using client = createControlClient(control.socketPath)
    await client.post(`/v1/tokens/${thief.id}/revoke`)
    expect(await inside()).toEqual([401, 401])
    expect(await client.get('/v1/tokens')).toEqual({ items: [] })
  })

  test('end with their time, also in the middle', async () => {
    await using control = await start()
    const { token } = await tokenOf(control, 'read', 1000)
    const headers = { authorization: `Bearer ${token}` }
    const stream = await new Promise<IncomingMessage>((resolve) =>
      request(`${control.apiUrl}/v1/events`, { headers }, resolve).end(),
    )
    stream.on('error', () => undefined).resume()
    await once(stream, 'close')
    expect((await knock(`${control.apiUrl}/v1/session`, { headers })).status).toBe(401)
  })

  test('guesses are limited, and keep nobody out who was in', async () => {
    await using control = await start()
    const url = `${control.apiUrl}/v1/session`
    const authorization = await rootToken()
    expect((await knock(url, { headers: { authorization } })).status).toBe(200)
    const { token } = await tokenOf(control, 'read')
    const guess = async (i: number) =>
      (await knock(url, { headers: { authorization: `Bearer guess${i}` } })).status
    const statuses = await Promise.all(Array.from({ length: 40 }, (_, i) => guess(i)))
    expect(statuses.filter((status) => status === 401)).toHaveLength(30)
    expect(statuses.filter((status) => status === 429)).toHaveLength(10)
    expect((await knock(url, { headers: { authorization } })).status).toBe(200)
    expect((await knock(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(429)
    expect((await knock(url, { headers: { cookie: 'cn_session=guess' } })).status).toBe(429)
    expect((await knock(url)).status).toBe(401) // who shows nothing guesses nothing
  })
})

describe('who takes too much', () => {
  test('large bodies and headers are refused', async () => {
    await using control = await start()
    const headers = { authorization: await rootToken(), ...json }
    const body = JSON.stringify({ label: 'x'.repeat(2 ** 20), scope: 'read' })
    const sent = { method: 'POST', headers, body }
    expect((await knock(`${control.apiUrl}/v1/tokens`, sent)).status).toBe(413)
    const url = `${control.apiUrl}/healthz`
    expect((await knock(url, { headers: { 'x-large': 'x'.repeat(20_000) } })).status).toBe(431)
  })

  test('headers and bodies that come drop by drop end with their connection', async () => {
    await using control = await start()
    const { port, host } = new URL(control.apiUrl!)
    const slow = async (head: string): Promise<string> => {
      const socket = connect(Number(port), '127.0.0.1')
      socket.write(head)
      socket.on('error', () => undefined)
      let said = ''
      socket.on('data', (data) => {
        said += String(data)
      })
      await once(socket, 'close')
      return said
    }
    expect(await slow(`GET /healthz HTTP/1.1\r\nhost: ${host}\r\n`)).toMatch(/^HTTP\/1.1 408/)
    const authorization = await rootToken()
    const head = `POST /v1/tokens HTTP/1.1\r\nhost: ${host}\r\nauthorization: ${authorization}\r\n`
    const body = 'content-type: application/json\r\ncontent-length: 100\r\n\r\n{'
    expect(await slow(head + body)).toBe('')
  })

  test('strangers learn of no path', async () => {
    await using control = await start()
    for (const path of ['/v1/nothing', '/v1/tokens', '/../../etc/passwd', '/%2e%2e/access.json']) {
      expect((await knock(control.apiUrl + path)).status).toBe(401)
    }
  })
})

test('a node without a loopback port opens one when it is asked to', async () => {
  await using control = await startControl({
    parts: { core: { net: {}, config: {} } as Core },
    routes: [accessRoute],
    socketPath: join(folder, 'control.sock'),
    tokenFile: join(folder, 'control.token'),
    log: silent,
  })
  using client = createControlClient(control.socketPath)
  await expect(client.post('/v1/login-codes')).rejects.toMatchObject({ code: 'REFUSED_NO_PORT' })
  expect(control.apiUrl).toBeUndefined()
  const { url } = await client.post<{ url: string }>('/v1/listen')
  expect(control.apiUrl).toBe(url)
  expect(await client.post('/v1/listen', { port: 0 })).toEqual({ url })
  expect((await knock(await loginUrl(control))).status).toBe(303)
})

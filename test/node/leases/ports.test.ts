import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { codeOf } from '../../../src/errors.ts'
import { parseForward } from '../../../src/node/commands/forward.ts'
import { type Forward, forwardPort } from '../../../src/node/leases/forward-port.ts'
import { openSession } from '../../../src/node/leases/open-session.ts'
import { MAX_PORT_TUNNELS } from '../../../src/node/leases/sessions/port-session.ts'
import {
  freshKey,
  market,
  orderOf,
  startRenter,
  stopLease,
  take,
} from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'

const never = new AbortController().signal

/** A lease, and a service of this machine that counts as one inside it. */
async function leased(onConnection: (socket: Socket) => void) {
  const all = await market()
  const sockets = new Set<Socket>()
  const service = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(service, 'listening')
  onTestFinished(() => {
    service.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port } = service.address() as AddressInfo
  all.engine.ports.add(port)
  const now = await take(all.renter, orderOf(all.miner))
  const at = { leaseId: now.lease.leaseId, miner: all.miner.key.peerId }
  const failures: string[] = []
  const forwarded = async (to = port): Promise<Forward> => {
    const onFailure = (error: unknown): void => void failures.push(codeOf(error))
    const options = { bind: '127.0.0.1', local: 0, port: to, onFailure }
    const forward = await forwardPort(all.renter.book, at, options)
    onTestFinished(() => forward[Symbol.asyncDispose]())
    return forward
  }
  return { ...all, now, at, port, sockets, failures, forwarded }
}

const reach = ({ local }: Forward): Socket =>
  connect({ port: local, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined)

/** Also after an error, which `once` would throw. */
const closeOf = (socket: Socket): Promise<void> =>
  new Promise((resolve) => void socket.once('close', () => resolve()))

/** What a service sends, once it has all that it was sent. */
const answer = (socket: Socket, input: string): Promise<string> => {
  socket.end(input)
  return text(socket)
}

test('each direction ends by itself, whichever is first', async () => {
  const { forwarded } = await leased((socket) => {
    socket.end('hello, ') // the service has said all it has to say, and still listens
    let got = ''
    socket.on('data', (chunk) => {
      got += chunk
    })
    socket.once('end', () => heard.push(got))
  })
  const heard: string[] = []
  const socket = reach(await forwarded())
  expect(await text(socket)).toBe('hello, ')
  socket.end('and goodbye')
  await until(() => heard.length === 1)
  expect(heard).toEqual(['and goodbye'])
})

test('many at once, megabytes each, and a lease that ends takes them along', async () => {
  const { forwarded, renter, now, sockets, failures } = await leased((socket) =>
    socket.pipe(socket),
  )
  const forward = await forwarded()
  const input = 'x'.repeat(3_000_000)
  const got = await Promise.all(Array.from({ length: 8 }, () => answer(reach(forward), input)))
  expect(got.every((text) => text === input)).toBe(true)
  const open = reach(forward)
  open.write('x')
  await once(open, 'data')
  const closed = closeOf(open)
  await stopLease(renter, now)
  await closed
  await until(() => sockets.size === 0)
  expect(failures).toEqual(['FAILED_LEASE_ENDED'])
})

test('a connection to the miner that breaks is made anew for the next one', async () => {
  const { forwarded, renter, failures } = await leased((socket) => socket.pipe(socket))
  const forward = await forwarded()
  expect(await answer(reach(forward), 'before')).toBe('before')
  const open = reach(forward)
  open.write('x')
  await once(open, 'data')
  const closed = closeOf(open)
  for (const connection of renter.peer.libp2p.getConnections()) {
    connection.abort(new Error('the line is cut'))
  }
  await closed
  expect(failures).toHaveLength(1)
  expect(await answer(reach(forward), 'after')).toBe('after')
})

test('a browser that asks as 127.0.0.1, where the cookie of this node is, is sent to localhost', async () => {
  const got: string[] = []
  const { forwarded, failures } = await leased((socket) => {
    socket.on('data', (data) => got.push(String(data)))
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  })
  const forward = await forwarded()
  const ask = (host: string, ...headers: string[]): Promise<string> =>
    answer(
      reach(forward),
      ['GET /lab?a=1 HTTP/1.1', `Host: ${host}`, ...headers, '', ''].join('\r\n'),
    )
  const here = `127.0.0.1:${forward.local}`
  const there = `\r\nLocation: http://localhost:${forward.local}/lab?a=1\r\n`
  for (const header of ['Sec-Fetch-Dest: document', 'cookie: a=b; cn_session=secret']) {
    const text = await ask(here, header)
    expect(text.slice(0, 13)).toBe('HTTP/1.1 307 ')
    expect(text).toContain(there)
  }
  expect(got).toEqual([])
  expect(await ask(`localhost:${forward.local}`, 'Sec-Fetch-Dest: document')).toContain(' 200 ')
  expect(await ask(here, 'User-Agent: curl')).toContain(' 200 ')
  const program = await fetch(`http://${here}/`, { headers: { authorization: 'token t' } })
  expect([program.status, program.redirected]).toEqual([200, false])
  expect(got.at(-1)).toContain('authorization: token t')
  expect([got.length, failures]).toEqual([3, []])
})

test('where nothing listens the client is reset, and the reason is told', async () => {
  const { forwarded, failures } = await leased(() => undefined)
  const socket = reach(await forwarded(1))
  await closeOf(socket)
  expect(failures).toEqual(['NOTHING_MATCHED_PORT'])
})

test('a port of this machine that is taken is the caller’s fault', async () => {
  const { renter, at, forwarded } = await leased(() => undefined)
  const { local } = await forwarded()
  const options = { bind: '127.0.0.1', local, port: 80, onFailure: () => undefined }
  await expect(forwardPort(renter.book, at, options)).rejects.toMatchObject({
    code: 'BAD_CONFIG_PORT',
  })
})

test('only who may enter the lease, and only so many at once', async () => {
  const { miner, ledger, renter, at, port } = await leased(() => undefined)
  const request = { kind: 'port' as const, port }
  const stranger = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  await expect(openSession(stranger.book, at, request, never)).rejects.toMatchObject({
    code: 'REFUSED_NOT_AUTHORIZED',
  })
  const life = new AbortController()
  const open = () => openSession(renter.book, at, request, life.signal)
  await Promise.all(Array.from({ length: MAX_PORT_TUNNELS }, open))
  await expect(open()).rejects.toMatchObject({ code: 'REFUSED_TUNNELS' })
  life.abort(new Error('enough'))
})

test.each([
  ['8888', { bind: '127.0.0.1', local: 8888, port: 8888 }],
  ['9000:80', { bind: '127.0.0.1', local: 9000, port: 80 }],
  ['0:80', { bind: '127.0.0.1', local: 0, port: 80 }],
  ['0.0.0.0:9000:80', { bind: '0.0.0.0', local: 9000, port: 80 }],
  ['[::1]:9000:80', { bind: '::1', local: 9000, port: 80 }],
])('%s is a port to forward', (text, spec) => {
  expect(parseForward(text)).toEqual(spec)
})

test.each(['', '0', '70000', 'a:80', ':80', '80:', '1.2.3:9:80', '::1:9000:80', '-1', '1:2:3:4'])(
  '"%s" is none',
  (text) => {
    expect(() => parseForward(text)).toThrow('[[BIND:]LOCAL:]PORT')
  },
)

import { hash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Libp2p, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tls as stockTls } from '@libp2p/tls'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { describe, expect, onTestFinished, test } from 'vitest'
import { sleep } from '../../src/clock.ts'
import { toDuplex } from '../../src/protocols/duplex.ts'
import { nativeTls } from '../../src/protocols/native-tls.ts'
import { MiB } from '../../src/units.ts'
import { type Claim, DAY_MS, makeCertificate } from '../support/hostile-certificate.ts'
import { createPeer, type Encrypter, type PeerOptions, until } from '../support/peers.ts'

interface EchoPeer extends Libp2p {
  /** How each handshake ran. */
  readonly paths: string[]
}

type Kind = 'native' | 'stock'

async function echoPeer(
  kind: Kind | ((paths: string[]) => Encrypter[]) = 'native',
  options: PeerOptions = {},
): Promise<EchoPeer> {
  const paths: string[] = []
  const native = nativeTls({ onSecured: (path) => paths.push(path) })
  const encrypters =
    typeof kind === 'function' ? kind(paths) : [kind === 'native' ? native : stockTls()]
  const peer = await createPeer({ ...options, encrypters })
  await peer.handle(
    '/echo',
    (stream) => {
      const duplex = toDuplex(stream)
      duplex.on('error', () => undefined)
      duplex.pipe(duplex)
    },
    { runOnLimitedConnection: true },
  )
  return Object.assign(peer, { paths })
}

async function pair(dialer: Kind = 'native', listener: Kind = 'native', options: PeerOptions = {}) {
  const [d, l] = await Promise.all([echoPeer(dialer, options), echoPeer(listener, options)])
  const connection = await d.dial(l.getMultiaddrs())
  await until(() => l.getConnections(d.peerId).length === 1)
  return { d, l, connection, remote: l.getConnections(d.peerId)[0]! }
}

async function echo(connection: Connection, bytes = 4 * MiB): Promise<void> {
  const duplex = toDuplex(await connection.newStream('/echo', { runOnLimitedConnection: true }))
  const sent = randomBytes(bytes)
  const got: Uint8Array[] = []
  duplex.end(sent)
  for await (const chunk of duplex) got.push(chunk)
  expect(hash('sha256', Buffer.concat(got))).toBe(hash('sha256', sent))
}

const withoutPeer = (peer: Libp2p): Multiaddr =>
  multiaddr(
    peer
      .getMultiaddrs()[0]!
      .toString()
      .replace(/\/p2p\/.*/, ''),
  )
const newKey = (): Promise<PrivateKey> => generateKeyPair('Ed25519')
const portOf = (peer: Libp2p): number =>
  Number(
    withoutPeer(peer)
      .getComponents()
      .find(({ name }) => name === 'tcp')?.value,
  )

/** A TCP relay to a port, which can break as if a machine died: without TLS's closing words. */
async function cuttableWire(to: number) {
  const sockets: Socket[] = []
  const server = net.createServer((near) => {
    const far = net.connect(to, '127.0.0.1')
    sockets.push(near, far)
    for (const socket of [near, far]) socket.on('error', () => undefined)
    near.pipe(far).pipe(near)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return {
    port: (server.address() as AddressInfo).port,
    cut: (how: 'destroy' | 'resetAndDestroy') => {
      for (const socket of sockets) socket[how]()
    },
  }
}
const mixes = [
  ['native', 'native'],
  ['native', 'stock'],
  ['stock', 'native'],
] as const

describe.each(mixes)('%s dials %s', (dialer, listener) => {
  test('both sides open streams, know each other, and agree on a muxer early', async () => {
    const { d, l, connection, remote } = await pair(dialer, listener)
    expect(connection.encryption).toBe('/tls/1.0.0')
    expect(connection.multiplexer).toBe('/yamux/1.0.0')
    expect(connection.remotePeer.equals(l.peerId)).toBe(true)
    await Promise.all([echo(connection), echo(remote), echo(connection, 100)])
    if (dialer === 'native') expect(d.paths).toEqual(['native'])
    if (listener === 'native') expect(l.paths).toEqual(['native'])
  })

  test('a wrong PeerId is refused', async () => {
    const [d, l] = await Promise.all([echoPeer(dialer), echoPeer(listener)])
    const other = peerIdFromPrivateKey(await newKey())
    await expect(d.dial(withoutPeer(l).encapsulate(`/p2p/${other}`))).rejects.toThrow(/peer/i)
    await until(() => d.getConnections().length + l.getConnections().length === 0)
  })

  test('half-close: the answer comes after the end of the question', async () => {
    const { l, connection } = await pair(dialer, listener)
    await l.handle('/count', async (stream) => {
      const duplex = toDuplex(stream)
      let count = 0
      for await (const chunk of duplex) count += chunk.length
      duplex.end(`got ${count}`)
    })
    const duplex = toDuplex(await connection.newStream('/count'))
    duplex.end(Buffer.alloc(MiB))
    let answer = ''
    for await (const chunk of duplex) answer += chunk
    expect(answer).toBe(`got ${MiB}`)
  })

  test('aborting a stream reaches the other side as an error; the connection survives', async () => {
    const { l, connection } = await pair(dialer, listener)
    let seen: Error | undefined
    await l.handle('/hold', (stream) => {
      toDuplex(stream).on('error', (error) => {
        seen = error
      })
    })
    const stream = await connection.newStream('/hold')
    stream.send(Buffer.from('x'))
    await sleep(30)
    stream.abort(new Error('boom'))
    await until(() => seen !== undefined)
    expect(seen?.name).toMatch(/Reset/)
    await echo(connection, 1000)
  })

  test.each(['destroy', 'resetAndDestroy'] as const)(
    'a wire that breaks by %s is no clean end',
    async (how) => {
      const [d, l] = await Promise.all([echoPeer(dialer), echoPeer(listener)])
      const wire = await cuttableWire(portOf(l))
      const connection = await d.dial(multiaddr(`/ip4/127.0.0.1/tcp/${wire.port}`))
      const duplex = toDuplex(await connection.newStream('/echo'))
      const seen: string[] = []
      duplex.on('error', () => seen.push('error')).on('end', () => seen.push('end'))
      duplex.resume()
      duplex.write('x')
      await sleep(30)
      wire.cut(how)
      await until(() => seen.length > 0 && connection.status !== 'open')
      expect(seen).toEqual(['error'])
    },
  )
})

test('closing a connection right after its stream loses nothing, however slow the reader', async () => {
  const { l, connection } = await pair()
  const total = 4 * MiB
  let received = 0
  let outcome: unknown
  await l.handle('/sink', async (stream) => {
    const read = async (): Promise<void> => {
      for await (const chunk of toDuplex(stream)) {
        received += chunk.length
        await sleep(2)
      }
    }
    outcome = await read().then(
      () => 'end',
      (error) => error,
    )
  })
  const duplex = toDuplex(await connection.newStream('/sink'))
  duplex.on('error', () => undefined) // its own readable side was never ended
  duplex.end(Buffer.alloc(total))
  await once(duplex, 'finish')
  await connection.close()
  await until(() => outcome !== undefined)
  expect([received, outcome]).toEqual([total, 'end'])
})

const victimKey = await newKey()
const genuine = await makeCertificate({ claim: victimKey.publicKey, signer: victimKey })
const now = Date.now()
test.each<[string, (me: PrivateKey) => Claim]>([
  ['claiming a victim', (me) => ({ claim: victimKey.publicKey, signer: me })],
  [
    'with an extension copied from the victim',
    (me) => ({ claim: victimKey.publicKey, signer: me, extension: genuine.extension }),
  ],
  [
    'that has expired',
    (me) => ({
      claim: me.publicKey,
      signer: me,
      notBefore: now - 2 * DAY_MS,
      notAfter: now - DAY_MS,
    }),
  ],
  [
    'not yet valid',
    (me) => ({
      claim: me.publicKey,
      signer: me,
      notBefore: now + DAY_MS,
      notAfter: now + 2 * DAY_MS,
    }),
  ],
  [
    'without the libp2p extension',
    (me) => ({ claim: me.publicKey, signer: me, withoutExtension: true }),
  ],
  ['that is not self-signed', (me) => ({ claim: me.publicKey, signer: me, foreignIssuer: true })],
])('a certificate %s is refused, dialing and listening', async (_, claim) => {
  const key = await newKey()
  const certificate = await makeCertificate(claim(key))
  const evil = await echoPeer(() => [nativeTls({ identity: async () => certificate })], { key })
  const victim = await echoPeer()
  let opened = 0
  victim.addEventListener('connection:open', () => opened++)
  await expect(victim.dial(withoutPeer(evil))).rejects.toThrow()
  // TLS 1.3: the dialer may believe for a moment that it is in.
  const used = evil.dial(victim.getMultiaddrs()).then((connection) => echo(connection, 100))
  await expect(used).rejects.toThrow()
  expect(opened).toBe(0)
  expect(victim.getConnections()).toEqual([])
  expect(victim.paths).toEqual([])
})

test('the same injected path accepts an honest certificate', async () => {
  const key = await newKey()
  const certificate = await makeCertificate({ claim: key.publicKey, signer: key })
  const honest = await echoPeer(() => [nativeTls({ identity: async () => certificate })], { key })
  for (const kind of ['native', 'stock'] as const) {
    const other = await echoPeer(kind)
    await echo(await other.dial(honest.getMultiaddrs()), 1000)
  }
})

test.each([
  ['hangs up', (socket: Socket) => void socket.end()],
  ['resets', (socket: Socket) => void socket.resetAndDestroy()],
  ['sends garbage', (socket: Socket) => void socket.write(randomBytes(500))],
  ['says nothing', () => undefined],
])('a dialer that %s during the handshake leaves nothing behind', async (_, act) => {
  const listener = await echoPeer('native', { upgradeTimeoutMs: 500 })
  const socket = net.connect(portOf(listener), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write('\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n')
  await once(socket, 'data')
  act(socket)
  socket.resume()
  await until(() => socket.destroyed)
  expect(listener.getConnections()).toEqual([])
  expect(listener.paths).toEqual([])
})

test.each([
  ['both have it', ['native', 'noise'], ['native', 'noise'], '/tls/1.0.0'],
  ['the listener has only noise', ['native', 'noise'], ['noise'], '/noise'],
  ['the dialer has only noise', ['noise'], ['native', 'noise'], '/noise'],
  ['the listener has stock TLS', ['native', 'noise'], ['noise', 'stock'], '/tls/1.0.0'],
])('native TLS is preferred: %s', async (_, dialer, listener, want) => {
  const made: Record<string, () => Encrypter> = { native: nativeTls, noise, stock: stockTls }
  const list = (names: string[]) => () => names.map((name) => made[name]!())
  const [d, l] = await Promise.all([echoPeer(list(dialer)), echoPeer(list(listener))])
  const connection = await d.dial(l.getMultiaddrs())
  expect(connection.encryption).toBe(want)
  await echo(connection, MiB)
})

test('a relayed connection falls back to @libp2p/tls end to end', async () => {
  const relay = await echoPeer('native', { relayBytes: 64 * MiB })
  const listen = [`${relay.getMultiaddrs()[0]}/p2p-circuit`]
  const l = await echoPeer('native', { listen })
  const d = await echoPeer('native', { listen: [] })
  await until(() => l.getMultiaddrs().length > 0)
  const connection = await d.dial(l.getMultiaddrs()[0]!)
  expect(connection.limits).toBeDefined()
  expect(connection.encryption).toBe('/tls/1.0.0')
  expect(connection.remotePeer.equals(l.peerId)).toBe(true)
  await echo(connection, MiB)
  expect(d.paths).toEqual(['native', 'fallback'])
})

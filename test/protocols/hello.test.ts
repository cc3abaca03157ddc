import { expect, test } from 'vitest'
import { z } from 'zod'
import type { NodeError } from '../../src/errors.ts'
import { cborCodec } from '../../src/protocols/codec.ts'
import { toDuplex } from '../../src/protocols/duplex.ts'
import { createFrameReader } from '../../src/protocols/frame-reader.ts'
import { helloCodec, VERSIONS } from '../../src/protocols/hello-exchange.ts'
import { wireName } from '../../src/protocols/network.ts'
import { defineProtocol } from '../../src/protocols/protocol.ts'
import { refusalError } from '../../src/protocols/refusal.ts'
import { messageFrame, readMessage, tags } from '../../src/protocols/wire.ts'
import { createPair, createPeer, createRpcPeer, testNetwork, until } from '../support/peers.ts'

const life = new AbortController().signal
const nothing = cborCodec(z.looseObject({}), 64)
const knock = defineProtocol({
  name: 'knock',
  request: nothing,
  response: nothing,
  limits: { requestBytes: 64, responseBytes: 64, timeoutMs: 8000, perPeerPerMinute: 100 },
})

test('both sides greet once, and know how far the clocks are apart', async () => {
  const skews: number[] = []
  const fast = await createRpcPeer({ rpc: { nowMs: () => Date.now() + 60_000 } })
  const other = await createRpcPeer({ rpc: { onGreeted: ({ skewMs }) => skews.push(skewMs) } })
  await other.libp2p.dial(fast.libp2p.getMultiaddrs())
  await Promise.all([
    other.rpc.hello.whenGreeted(fast.peerId, life),
    fast.rpc.hello.whenGreeted(other.peerId, life),
  ])
  expect(fast.rpc.hello.greeted(other.peerId)).toBe(true)
  expect(skews).toHaveLength(1)
  expect(skews[0]).toBeGreaterThan(30_000)
})

test('nodes of different networks exchange nothing and part', async () => {
  const refused: string[] = []
  const onRefused = (_: string, __: string, code: string): void => void refused.push(code)
  const here = await createRpcPeer({ net: testNetwork(1), rpc: { onRefused } })
  const there = await createRpcPeer({ net: testNetwork(2) })
  let served = 0
  for (const peer of [here, there]) {
    await peer.rpc.serve(knock, async () => ({ served: ++served }), life)
  }
  await here.libp2p.dial(there.libp2p.getMultiaddrs())
  await expect(here.rpc.ask(knock, there.peerId, {})).rejects.toMatchObject({
    code: 'PEER_OTHER_NETWORK',
  })
  await until(() => here.libp2p.getConnections().length === 0)
  await until(() => there.libp2p.getConnections().length === 0)
  expect(served).toBe(0)
  expect(refused).toContain('PEER_OTHER_NETWORK')
  expect(there.rpc.hello.greeted(here.peerId)).toBe(false)
})

test('a peer that says nothing is served nothing and is disconnected', async () => {
  const silentPeer = await createPeer()
  const strict = await createRpcPeer({ rpc: { helloTimeoutMs: 700 } })
  let served = 0
  await strict.rpc.serve(knock, async () => ({ served: ++served }), life)
  const connection = await silentPeer.dial(strict.libp2p.getMultiaddrs())
  const stream = await connection.newStream(wireName(testNetwork(), 'knock'))
  const duplex = toDuplex(stream)
  duplex.on('error', () => undefined)
  duplex.write(messageFrame(tags.request, 1, nothing.encode({})))
  await until(() => connection.status !== 'open')
  expect(served).toBe(0)
})

test.each([
  ['of another network', 'PEER_OTHER_NETWORK', { netDigest: testNetwork(2).digest }],
  ['without a common version', 'PEER_VERSION', { versions: [Math.max(...VERSIONS) + 1] }],
  ['that is malformed', 'BAD_MESSAGE', { netDigest: new Uint8Array(31) }],
])('a hello %s is answered with %s and the connection closed', async (_, code, lie) => {
  const liar = await createPeer()
  const strict = await createRpcPeer()
  const connection = await liar.dial(strict.libp2p.getMultiaddrs())
  const duplex = toDuplex(await connection.newStream(wireName(testNetwork(), 'hello')))
  const said = { netDigest: testNetwork().digest, versions: [1], timeMs: Date.now(), ...lie }
  const lax = cborCodec(z.any(), 1000)
  duplex.on('error', () => undefined)
  duplex.write(messageFrame(tags.request, 0, lax.encode(said)))
  const frame = await createFrameReader(duplex, 4096).next()
  expect(frame?.tag).toBe(tags.refused)
  expect(refusalError(readMessage(frame!).body, '').code).toBe(code)
  await until(() => connection.status !== 'open')
  expect(strict.rpc.hello.greeted(liar.peerId.toString())).toBe(false)
})

test('a request waits for hello instead of failing', async () => {
  const { asker, answerer } = await createPair()
  await answerer.rpc.serve(knock, async () => ({ fine: true }), life)
  expect(await asker.rpc.ask(knock, answerer.peerId, {})).toEqual({ fine: true })
})

test('a peer that nobody can reach is said to be so', async () => {
  const { rpc } = await createRpcPeer()
  const gone = await createPeer()
  const failure = await rpc.ask(knock, gone.peerId, {}).catch((error: NodeError) => error)
  expect(failure).toMatchObject({ code: 'PEER_UNREACHABLE', next: expect.any(String) })
})

test('the hello message has one encoding', () => {
  const bytes = helloCodec.encode({ netDigest: new Uint8Array(32), versions: [1], timeMs: 5 })
  expect(Buffer.from(bytes).toString('hex')).toBe(
    `a36674696d654d7305${'6876657273696f6e738101'}${'696e657444696765737458'}20${'00'.repeat(32)}`,
  )
})

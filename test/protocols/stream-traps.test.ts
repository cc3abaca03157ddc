import { once } from 'node:events'
import { RELAY_V2_HOP_CODEC, RELAY_V2_STOP_CODEC } from '@libp2p/circuit-relay-v2'
import type { Stream } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { sleep } from '../../src/clock.ts'
import type { NodeError } from '../../src/errors.ts'
import { cborCodec } from '../../src/protocols/codec.ts'
import { toDuplex } from '../../src/protocols/duplex.ts'
import { integer } from '../../src/protocols/fields.ts'
import type { FrameChannel } from '../../src/protocols/frames.ts'
import { defineProtocol } from '../../src/protocols/protocol.ts'
import { defineTunnel, openTunnel, serveTunnel } from '../../src/protocols/tunnel.ts'
import { KiB, MiB } from '../../src/units.ts'
import { createPair, createRpcPeer, type RpcPeer, until } from '../support/peers.ts'

const life = new AbortController().signal
const CHUNK = 64 * KiB

const fire = defineTunnel({
  name: 'fire',
  request: cborCodec(z.looseObject({ bytes: integer(0, 1e9) }), 64),
  limits: { requestBytes: 64, timeoutMs: 20_000, perPeerPerMinute: 1000 },
})
const hold = defineProtocol({
  name: 'hold',
  request: cborCodec(z.looseObject({}), 64),
  response: cborCodec(z.looseObject({ n: integer(0, 1e9) }), 64),
  limits: { requestBytes: 64, responseBytes: 64, timeoutMs: 20_000, perPeerPerMinute: 1000 },
})

/** Answers `fire`, counting what the network took. */
async function serveFire({ rpc }: RpcPeer): Promise<{ sent: number }> {
  const count = { sent: 0 }
  const send = async (bytes: number, channel: FrameChannel): Promise<void> => {
    const chunk = Buffer.alloc(CHUNK, 7)
    for (let left = bytes; left > 0; left -= CHUNK) {
      await channel.send(0, chunk)
      count.sent += CHUNK
    }
  }
  await serveTunnel(rpc, fire, ({ bytes }, channel) => send(bytes, channel), life)
  return count
}

async function drain(channel: FrameChannel): Promise<number> {
  let bytes = 0
  for await (const { data } of channel.frames()) bytes += data.length
  return bytes
}

describe('a reader that stalls', () => {
  test('stops the sender, and neither other streams nor the bytes suffer', async () => {
    const { asker, answerer } = await createPair()
    const count = await serveFire(answerer)
    const total = 64 * MiB
    const channel = await openTunnel(asker.rpc, fire, answerer.peerId, { bytes: total }, life)
    const frames = channel.frames()[Symbol.asyncIterator]()
    let received = (await frames.next()).value?.data.length
    await untilStill(() => count.sent)
    expect(count.sent).toBeLessThan(12 * MiB)
    const other = await openTunnel(asker.rpc, fire, answerer.peerId, { bytes: MiB }, life)
    expect(await drain(other)).toBe(MiB)
    for (let next = await frames.next(); !next.done; next = await frames.next()) {
      received += next.value.data.length
    }
    expect(received).toBe(total)
  })

  test('is not cut off, although its window had grown to the full size', async () => {
    const { asker, answerer } = await createPair()
    const count = await serveFire(answerer)
    const total = 64 * MiB
    const channel = await openTunnel(asker.rpc, fire, answerer.peerId, { bytes: total }, life)
    let received = 0
    let stalled = false
    for await (const { data } of channel.frames()) {
      received += data.length
      if (stalled || received < 32 * MiB) continue
      stalled = true // by now the window is 4 MiB: all of it arrives while nobody reads
      await untilStill(() => count.sent)
    }
    expect(received).toBe(total)
  })

  test('without toDuplex everything piles up (the trap itself)', async () => {
    const { asker, answerer } = await createPair()
    let sent = 0
    const pour = async (stream: Stream): Promise<void> => {
      const duplex = toDuplex(stream)
      duplex.on('error', () => undefined)
      const chunk = Buffer.alloc(CHUNK)
      for (; sent < 32 * MiB; sent += CHUNK) if (!duplex.write(chunk)) await once(duplex, 'drain')
    }
    await answerer.libp2p.handle('/pour', (stream) => void pour(stream))
    const stream = await asker.libp2p.dialProtocol(answerer.libp2p.peerId, '/pour')
    const plain = stream[Symbol.asyncIterator]()
    await plain.next()
    await until(() => sent >= 32 * MiB) // one piece was read, all were taken
    stream.abort(new Error('enough'))
  })
})

/** Until a number has not changed for a while. */
async function untilStill(value: () => number): Promise<void> {
  for (let last = -1; last !== value(); ) {
    last = value()
    await sleep(400)
  }
}

describe('streams past the limit', () => {
  test('open and are then reset, without a reason (the trap itself)', async () => {
    const { asker, answerer, connection } = await createPair()
    const hold = (stream: Stream): void => void toDuplex(stream).on('error', () => undefined)
    await answerer.libp2p.handle('/plain', hold)
    await asker.libp2p.handle('/plain', hold, { maxOutboundStreams: 100 })
    const streams = await Promise.all(
      Array.from({ length: 40 }, () => connection.newStream('/plain')),
    )
    expect(streams).toHaveLength(40)
    await until(() => streams.filter(({ status }) => status === 'reset').length === 8)
  })

  test('more than the 32 that libp2p allows by default work', async () => {
    const { asker, answerer } = await createPair()
    await serveTunnel(answerer.rpc, fire, async (_, channel) => void (await drain(channel)), life)
    const opened = Array.from({ length: 50 }, () =>
      openTunnel(asker.rpc, fire, answerer.peerId, { bytes: 0 }, life),
    )
    const channels = await Promise.all(opened)
    await Promise.all(channels.map((channel) => channel.end()))
    expect(await Promise.all(channels.map(drain))).toEqual(channels.map(() => 0))
  })

  test('are told so instead of being reset, and room comes back', async () => {
    const { asker, answerer } = await createPair()
    await answerer.rpc.serveStream(
      hold,
      async function* (_, { signal }) {
        yield { n: 1 }
        await once(signal, 'abort')
      },
      life,
    )
    const streams = Array.from({ length: 20 }, () => {
      const items = asker.rpc.askStream(hold, answerer.peerId, {})[Symbol.asyncIterator]()
      const first = items.next().then(
        () => 'open',
        (error: NodeError) => error.code,
      )
      return { items, first }
    })
    const outcomes = await Promise.all(streams.map(({ first }) => first))
    expect(outcomes.filter((outcome) => outcome === 'open')).toHaveLength(16)
    expect(outcomes.filter((outcome) => outcome === 'REFUSED_STREAMS')).toHaveLength(4)
    for (const { items } of streams) await items.return?.()
    await until(() =>
      answerer.libp2p.getConnections()[0]!.streams.every((s) => !s.protocol.includes('hold')),
    )
    for await (const item of asker.rpc.askStream(hold, answerer.peerId, {})) {
      expect(item).toEqual({ n: 1 })
      break
    }
  })
})

describe('a relayed stream', () => {
  async function relayed(relayBytes: number) {
    const relay = await createRpcPeer({ relayBytes })
    const listen = [`${relay.libp2p.getMultiaddrs()[0]}/p2p-circuit`]
    const answerer = await createRpcPeer({ listen })
    const asker = await createRpcPeer({ listen: [] })
    await until(() => answerer.libp2p.getMultiaddrs().length > 0)
    const connection = await asker.libp2p.dial(answerer.libp2p.getMultiaddrs()[0]!)
    expect(connection.limits).toBeDefined()
    return { asker, answerer }
  }

  test('carries requests and tunnels', async () => {
    const { asker, answerer } = await relayed(64 * MiB)
    await serveFire(answerer)
    await answerer.rpc.serve(hold, async () => ({ n: 5 }), life)
    expect(await asker.rpc.ask(hold, answerer.peerId, {})).toEqual({ n: 5 })
    expect(
      await drain(await openTunnel(asker.rpc, fire, answerer.peerId, { bytes: MiB }, life)),
    ).toBe(MiB)
  })

  test('that the relay cuts at its limit is reported as lost, never as ended', async () => {
    const { asker, answerer } = await relayed(512 * KiB)
    await serveFire(answerer)
    const channel = await openTunnel(asker.rpc, fire, answerer.peerId, { bytes: 4 * MiB }, life)
    await expect(drain(channel)).rejects.toMatchObject({ code: 'PEER_LOST' })
  })

  /** How reading one cut stream ends: as the library tells it, or as `toDuplex` does. */
  async function endOfCutStream(read: (stream: Stream) => Promise<unknown>): Promise<string> {
    const { asker, answerer } = await relayed(512 * KiB)
    await answerer.libp2p.handle(
      '/pour',
      (stream) => {
        const duplex = toDuplex(stream).on('error', () => undefined)
        duplex.write(Buffer.alloc(4 * MiB))
      },
      { runOnLimitedConnection: true },
    )
    const [connection] = asker.libp2p.getConnections(answerer.libp2p.peerId)
    const stream = await connection!.newStream('/pour', { runOnLimitedConnection: true })
    return read(stream).then(
      () => 'ended',
      (error: Error) => error.message,
    )
  }

  test('that the relay cuts has an error where only a FIN is an end', async () => {
    const read = async (stream: Stream) => {
      for await (const chunk of toDuplex(stream)) void chunk
    }
    expect(await endOfCutStream(read)).toMatch(/truncated|reset|closed/)
  })

  test('that the relay cuts looks ended to its plain reader (the trap itself)', async () => {
    const read = async (stream: Stream) => {
      for await (const chunk of stream) void chunk
    }
    expect(await endOfCutStream(read)).toBe('ended')
  })

  test('between two who ignore its flow control costs the relay little', async () => {
    const [relay, near, far] = await Promise.all([
      createRpcPeer({ relayBytes: 256 * MiB }),
      createRpcPeer(),
      createRpcPeer(),
    ])
    const to = relay.libp2p.getMultiaddrs()
    const hop = async (peer: RpcPeer, message: Uint8Array) => {
      const stream = await (await peer.libp2p.dial(to)).newStream(RELAY_V2_HOP_CODEC)
      const duplex = toDuplex(stream).on('error', () => undefined)
      const answered = once(duplex, 'data')
      duplex.write(Buffer.from([message.length, ...message]))
      await answered
      return duplex
    }
    // Protocol buffers by hand: RESERVE; STATUS OK; CONNECT to a peer.
    await far.libp2p.unhandle(RELAY_V2_STOP_CODEC)
    await far.libp2p.handle(RELAY_V2_STOP_CODEC, (stream) => {
      toDuplex(stream).on('error', () => undefined) // nobody reads
      stream.send(Uint8Array.of(4, 8, 1, 0x20, 0x64))
    })
    await hop(far, Uint8Array.of(8, 0))
    const id = far.libp2p.peerId.toMultihash().bytes
    const peer = Uint8Array.of(0x0a, id.length, ...id)
    const duplex = await hop(near, Uint8Array.of(8, 1, 0x12, peer.length, ...peer))
    let sent = 0
    const write = (): void => {
      if (duplex.destroyed || sent >= 64 * MiB) return
      sent += CHUNK
      duplex.write(Buffer.alloc(CHUNK), write)
    }
    write()
    await untilStill(() => sent)
    expect(sent).toBeGreaterThan(CHUNK)
    expect(sent).toBeLessThan(40 * MiB)
  })
})

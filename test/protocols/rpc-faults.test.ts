import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { sleep } from '../../src/clock.ts'
import { NodeError } from '../../src/errors.ts'
import { cborCodec } from '../../src/protocols/codec.ts'
import { toDuplex } from '../../src/protocols/duplex.ts'
import { bytesUpTo, integer } from '../../src/protocols/fields.ts'
import { createFrameReader } from '../../src/protocols/frame-reader.ts'
import { wireName } from '../../src/protocols/network.ts'
import { defineProtocol } from '../../src/protocols/protocol.ts'
import { messageFrame, readMessage, tags } from '../../src/protocols/wire.ts'
import { KiB, MiB } from '../../src/units.ts'
import { createPair, type RpcPeer, testNetwork, until } from '../support/peers.ts'

const life = new AbortController().signal
const number = cborCodec(z.looseObject({ n: integer(0, 1e9) }), 64)
const page = cborCodec(z.looseObject({ data: bytesUpTo(64 * KiB) }), 65 * KiB)
const limits = { requestBytes: 64, timeoutMs: 10_000, perPeerPerMinute: 10_000 }
const same = defineProtocol({
  name: 'same',
  request: number,
  response: number,
  limits: { ...limits, responseBytes: 64 },
})
const pages = defineProtocol({
  name: 'pages',
  request: number,
  response: page,
  limits: { ...limits, responseBytes: 65 * KiB },
})

/** A bare stream of a protocol to a peer, already greeted. */
async function bareStream({ rpc }: RpcPeer, to: RpcPeer, name: string) {
  const duplex = await rpc.peers.open(name, to.peerId, life)
  duplex.on('error', () => undefined)
  return duplex
}

test('large answers are made a few at a time, so that one who reads none costs little', async () => {
  const { asker, answerer } = await createPair()
  const large = defineProtocol({
    name: 'large',
    request: number,
    response: cborCodec(z.looseObject({ data: bytesUpTo(2 * MiB) }), 2 * MiB + KiB),
    limits: { ...limits, responseBytes: 2 * MiB + KiB },
  })
  let [running, most] = [0, 0]
  const answer = async ({ n }: { n: number }) => {
    most = Math.max(most, ++running)
    await sleep(20)
    running--
    return { data: new Uint8Array(n) }
  }
  await answerer.rpc.serve(large, answer, life)
  const sizes = Array.from({ length: 32 }, (_, n) => n)
  const asked = sizes.map((n) => asker.rpc.ask(large, answerer.peerId, { n }))
  expect((await Promise.all(asked)).map(({ data }) => data.length)).toEqual(sizes)
  expect(most).toBe(4)
})

test("a fault of the peer's machine never reads as one of this machine", async () => {
  const { asker, answerer } = await createPair()
  const codes = ['ENGINE_GONE', 'CHAIN_UNREACHABLE', 'BAD_CONFIG', 'REFUSED_KEY', 'PEER_STARTING']
  const answer = async ({ n }: { n: number }): Promise<{ n: number }> => {
    throw new NodeError(codes[n] as 'FAILED', 'it is broken')
  }
  await answerer.rpc.serve(same, answer, life)
  const seen = codes.map((_, n) =>
    asker.rpc.ask(same, answerer.peerId, { n }).catch((error: NodeError) => error.code),
  )
  expect(await Promise.all(seen)).toEqual([
    'PEER_ENGINE_GONE',
    'PEER_CHAIN_UNREACHABLE',
    'PEER_BAD_CONFIG',
    'REFUSED_KEY',
    'PEER_STARTING',
  ])
})

describe('an answering node', () => {
  test.each([
    ['random bytes', () => randomBytes(2000)],
    [
      'a frame longer than a request may be',
      () => messageFrame(tags.request, 1, Buffer.alloc(500)),
    ],
    ['a frame without an id', () => Buffer.from('00000001f000', 'hex')],
    ['an answer instead of a request', () => messageFrame(tags.result, 1)],
    [
      'one id twice',
      () =>
        Buffer.concat([
          messageFrame(tags.request, 1, number.encode({ n: 9 })),
          messageFrame(tags.request, 1, number.encode({ n: 9 })),
        ]),
    ],
  ])('refuses %s, closes that stream, and goes on', async (_, make) => {
    const { asker, answerer } = await createPair()
    await answerer.rpc.serve(
      same,
      async ({ n }, { signal }) => {
        if (n === 9) await sleep(20_000, signal)
        return { n }
      },
      life,
    )
    const duplex = await bareStream(asker, answerer, 'same')
    duplex.write(make())
    const frame = readMessage((await createFrameReader(duplex, 8 * KiB).next())!)
    expect([frame.tag, frame.id]).toEqual([tags.refused, 0])
    await until(() => duplex.destroyed)
    expect(await asker.rpc.ask(same, answerer.peerId, { n: 3 })).toEqual({ n: 3 })
  })

  test('stops reading from a peer that never reads its answers', async () => {
    const { asker, answerer } = await createPair()
    let handled = 0
    const blob = new Uint8Array(60 * KiB)
    const lavish = { ...pages, limits: { ...pages.limits, perPeerPerMinute: 1e6 } }
    await answerer.rpc.serve(
      lavish,
      async () => {
        handled++
        return { data: blob }
      },
      life,
    )
    const duplex = await bareStream(asker, answerer, 'pages')
    for (let id = 1; id <= 5000; id++)
      duplex.write(messageFrame(tags.request, id, number.encode({ n: 1 })))
    for (let last = -1; last !== handled; await sleep(300)) last = handled
    expect(handled).toBeLessThan(1000)
    duplex.destroy()
  })

  test('keeps standing when a handler throws at once, and when serving ends mid-request', async () => {
    const { asker, answerer } = await createPair()
    const serving = new AbortController()
    const handler = ({ n }: { n: number }): Promise<{ n: number }> => {
      if (n === 1) throw new TypeError('not even a promise')
      return new Promise(() => undefined)
    }
    await answerer.rpc.serve(same, handler, serving.signal)
    const failed = asker.rpc.ask(same, answerer.peerId, { n: 1 })
    await expect(failed).rejects.toMatchObject({ code: 'FAILED' })
    const lost = asker.rpc.ask(same, answerer.peerId, { n: 2 })
    await sleep(50)
    serving.abort()
    await expect(lost).rejects.toMatchObject({ code: 'PEER_LOST' })
    const unsupported = asker.rpc.ask(same, answerer.peerId, { n: 3 })
    await expect(unsupported).rejects.toMatchObject({ code: 'PEER_UNSUPPORTED' })
    await answerer.rpc.serve(same, async ({ n }) => ({ n }), life)
    expect(await asker.rpc.ask(same, answerer.peerId, { n: 4 })).toEqual({ n: 4 })
  })
})

describe('an asking node', () => {
  test.each([
    [
      'a malformed answer',
      'BAD_MESSAGE',
      () => messageFrame(tags.result, 1, Buffer.from('ff', 'hex')),
    ],
    [
      'an answer above the limit',
      'BAD_MESSAGE',
      () => messageFrame(tags.result, 1, Buffer.alloc(20_000)),
    ],
    ['a request', 'BAD_MESSAGE', () => messageFrame(tags.request, 1)],
    [
      'a malformed refusal',
      'BAD_MESSAGE',
      () => messageFrame(tags.refused, 1, Buffer.from('a0', 'hex')),
    ],
  ])('given %s says %s', async (_, code, make) => {
    const { asker, answerer } = await createPair()
    await answerer.libp2p.handle(wireName(testNetwork(), 'same'), (stream) => {
      const duplex = toDuplex(stream)
      duplex.on('error', () => undefined)
      duplex.once('data', () => duplex.write(make()))
    })
    await expect(asker.rpc.ask(same, answerer.peerId, { n: 1 })).rejects.toMatchObject({ code })
  })

  test('loses what waits when the connection breaks, and asks again over a new one', async () => {
    const { asker, answerer, connection } = await createPair()
    await answerer.rpc.serve(
      same,
      async ({ n }) => (n === 1 ? new Promise(() => undefined) : { n }),
      life,
    )
    const lost = asker.rpc.ask(same, answerer.peerId, { n: 1 })
    await asker.rpc.ask(same, answerer.peerId, { n: 2 })
    connection.abort(new Error('cable pulled'))
    await expect(lost).rejects.toMatchObject({ code: 'PEER_LOST', next: expect.any(String) })
    await asker.libp2p.dial(answerer.libp2p.getMultiaddrs())
    expect(await asker.rpc.ask(same, answerer.peerId, { n: 3 })).toEqual({ n: 3 })
  })

  test('hands the turn of those that gave up to the next in line', async () => {
    const { asker, answerer } = await createPair()
    const gate = Promise.withResolvers<void>()
    const answer = async (request: { n: number }) => {
      await gate.promise
      return request
    }
    await answerer.rpc.serve(same, answer, life)
    const ask = (n: number, signal = life) => asker.rpc.ask(same, answerer.peerId, { n }, signal)
    await asker.libp2p.dial(answerer.libp2p.getMultiaddrs())
    const first = Array.from({ length: 128 }, (_, n) => ask(n))
    const gone = new AbortController()
    const left = Array.from({ length: 300 }, (_, n) => ask(n, gone.signal))
    const refused = Promise.allSettled(left)
    const last = ask(4242)
    await sleep(100)
    gone.abort(new Error('gave up'))
    gate.resolve()
    await Promise.all(first)
    expect(await last).toEqual({ n: 4242 })
    expect((await refused).every(({ status }) => status === 'rejected')).toBe(true)
  })

  test('gives up on a peer that accepts the stream and never answers', async () => {
    const { asker, answerer } = await createPair()
    await answerer.rpc.serve(same, () => new Promise(() => undefined), life)
    const hasty = { ...same, limits: { ...same.limits, timeoutMs: 300 } }
    await expect(asker.rpc.ask(hasty, answerer.peerId, { n: 1 })).rejects.toMatchObject({
      code: 'PEER_TIMEOUT',
    })
  })
})

describe('a streamed answer', () => {
  test('arrives in order and whole, as fast as it is taken', async () => {
    const { asker, answerer } = await createPair()
    let made = 0
    await answerer.rpc.serveStream(
      pages,
      async function* ({ n }) {
        for (; made < n; made++) yield { data: new Uint8Array(64 * KiB).fill(made % 256) }
      },
      life,
    )
    const items = asker.rpc.askStream(pages, answerer.peerId, { n: 400 })[Symbol.asyncIterator]()
    expect((await items.next()).value?.data[0]).toBe(0)
    for (let last = -1; last !== made; await sleep(300)) last = made
    expect(made * 64 * KiB).toBeLessThan(12 * MiB)
    let count = 1
    for (let next = await items.next(); !next.done; next = await items.next()) {
      expect(next.value.data[0]).toBe(count++ % 256)
    }
    expect(count).toBe(400)
  })

  test('ends for the answerer when the asker leaves', async () => {
    const { asker, answerer } = await createPair()
    let ended = false
    await answerer.rpc.serveStream(
      pages,
      async function* (_, { signal }) {
        yield { data: new Uint8Array(1) }
        await once(signal, 'abort')
        ended = true
      },
      life,
    )
    for await (const item of asker.rpc.askStream(pages, answerer.peerId, { n: 1 })) {
      expect(item.data).toHaveLength(1)
      break
    }
    await until(() => ended)
  })

  test('carries a refusal before and amid its items, and a loss as such', async () => {
    const { asker, answerer } = await createPair()
    const serving = new AbortController()
    await answerer.rpc.serveStream(
      pages,
      async function* ({ n }) {
        if (n === 0) throw new NodeError('REFUSED_STAKE', 'no stake')
        yield { data: new Uint8Array(1) }
        if (n === 1) throw new NodeError('STORE_GONE', 'no more')
        await new Promise(() => undefined)
      },
      serving.signal,
    )
    const read = async (n: number): Promise<number> => {
      let items = 0
      for await (const _item of asker.rpc.askStream(pages, answerer.peerId, { n })) items++
      return items
    }
    await expect(read(0)).rejects.toMatchObject({ code: 'REFUSED_STAKE' })
    await expect(read(1)).rejects.toMatchObject({ code: 'PEER_STORE_GONE' })
    const cut = read(2)
    await sleep(100)
    serving.abort()
    await expect(cut).rejects.toMatchObject({ code: 'PEER_LOST' })
  })

  test('heeds its signal and its time limit to the first item', async () => {
    const { asker, answerer } = await createPair()
    await answerer.rpc.serveStream(
      pages,
      async function* ({ n }) {
        if (n === 1) yield { data: new Uint8Array(1) }
        await new Promise(() => undefined)
      },
      life,
    )
    const hasty = { ...pages, limits: { ...pages.limits, timeoutMs: 400 } }
    const none = asker.rpc.askStream(hasty, answerer.peerId, { n: 0 })[Symbol.asyncIterator]()
    await expect(none.next()).rejects.toMatchObject({ code: 'PEER_TIMEOUT' })
    const stop = new AbortController()
    const some = asker.rpc
      .askStream(hasty, answerer.peerId, { n: 1 }, stop.signal)
      [Symbol.asyncIterator]()
    await some.next()
    const second = some.next()
    await sleep(600) // longer than the limit, which was only to the first item
    stop.abort(new Error('enough'))
    await expect(second).rejects.toThrow('enough')
  })
})

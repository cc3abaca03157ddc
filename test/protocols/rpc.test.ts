import { expect, test } from 'vitest'
import { z } from 'zod'
import { sleep } from '../../src/clock.ts'
import { NodeError } from '../../src/errors.ts'
import { cborCodec } from '../../src/protocols/codec.ts'
import { integer, text } from '../../src/protocols/fields.ts'
import { defineProtocol, type ProtocolLimits } from '../../src/protocols/protocol.ts'
import { createPair, createRpcPeer, until } from '../support/peers.ts'

const limits: ProtocolLimits = {
  requestBytes: 1024,
  responseBytes: 4096,
  timeoutMs: 10_000,
  perPeerPerMinute: 100_000,
}
const request = cborCodec(z.looseObject({ n: integer(0, 1e9), pad: text(5000).optional() }), 5000)
const response = cborCodec(z.looseObject({ n: integer(0, 1e9) }), 4096)
const double = (over: Partial<ProtocolLimits> = {}) =>
  defineProtocol({ name: 'double', request, response, limits: { ...limits, ...over } })
const life = new AbortController().signal

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('it should have been refused')
    },
    (error: NodeError) => error,
  )

test('many requests share one stream and get each its own answer', async () => {
  const { asker, answerer, connection } = await createPair()
  const seen = new Set<string>()
  await answerer.rpc.serve(
    double(),
    async ({ n }, caller) => {
      seen.add(caller.peerId)
      expect(caller.publicKey).toHaveLength(32)
      if (n % 3 === 0) await sleep(n % 7)
      return { n: 2 * n }
    },
    life,
  )
  const asked = Array.from({ length: 1000 }, (_, n) =>
    asker.rpc.ask(double(), answerer.peerId, { n }),
  )
  expect(await Promise.all(asked)).toEqual(asked.map((_, n) => ({ n: 2 * n })))
  expect([...seen]).toEqual([asker.peerId])
  expect(connection.streams.filter((s) => s.protocol.includes('double'))).toHaveLength(1)
})

test('a refusal reaches the asker with code, message and next step; the stream goes on', async () => {
  const { asker, answerer } = await createPair()
  await answerer.rpc.serve(
    double(),
    async ({ n }) => {
      if (n === 1)
        throw new NodeError('REFUSED_CAPACITY', 'no GPU\u001b[31m free', { next: 'wait' })
      if (n === 2) throw new TypeError('secret detail')
      return { n }
    },
    life,
  )
  const refused = await refusal(asker.rpc.ask(double(), answerer.peerId, { n: 1 }))
  expect(refused).toMatchObject({
    code: 'REFUSED_CAPACITY',
    message: 'no GPU [31m free',
    next: 'wait',
  })
  const failed = await refusal(asker.rpc.ask(double(), answerer.peerId, { n: 2 }))
  expect(failed.code).toBe('FAILED')
  expect(failed.message).not.toContain('secret')
  expect(await asker.rpc.ask(double(), answerer.peerId, { n: 3 })).toEqual({ n: 3 })
})

test('quota, schema and size are refused before the handler, and counted', async () => {
  const { asker } = await createPair()
  const counted: string[] = []
  const answerer = await createRpcPeer({
    rpc: { onRefused: (protocol, _, code) => counted.push(`${protocol} ${code}`) },
  })
  await asker.libp2p.dial(answerer.libp2p.getMultiaddrs())
  let handled = 0
  const tight = double({ perPeerPerMinute: 3 })
  await answerer.rpc.serve(
    tight,
    async ({ n }) => {
      handled++
      return { n }
    },
    life,
  )
  const ask = (n: number) => asker.rpc.ask(tight, answerer.peerId, { n })
  await Promise.all([ask(1), ask(2)])
  const lax = { ...tight, request: { encode: () => Uint8Array.of(0xff), decode: request.decode } }
  expect(await refusal(asker.rpc.ask(lax, answerer.peerId, { n: 1 }))).toMatchObject({
    code: 'BAD_MESSAGE',
  })
  expect(await refusal(ask(4))).toMatchObject({ code: 'REFUSED_QUOTA', next: expect.any(String) })
  const large = { n: 5, pad: 'x'.repeat(2000) }
  expect(await refusal(asker.rpc.ask(tight, answerer.peerId, large))).toMatchObject({
    code: 'BAD_MESSAGE',
    message: expect.stringContaining('2'),
  })
  expect(handled).toBe(2)
  expect(counted).toEqual(['double BAD_MESSAGE', 'double REFUSED_QUOTA', 'double BAD_MESSAGE'])
})

test('an asker that gives up aborts the handler, and others go on', async () => {
  const { asker, answerer } = await createPair()
  let aborted = 0
  await answerer.rpc.serve(
    double(),
    async ({ n }, { signal }) => {
      if (n === 0) return { n: 7 }
      await sleep(60_000, signal).catch((error) => {
        aborted++
        throw error
      })
      return { n }
    },
    life,
  )
  const giveUp = new AbortController()
  const asked = asker.rpc.ask(double(), answerer.peerId, { n: 1 }, giveUp.signal)
  const late = asker.rpc.ask(double({ timeoutMs: 300 }), answerer.peerId, { n: 2 })
  const caught = refusal(late)
  expect(await asker.rpc.ask(double(), answerer.peerId, { n: 0 })).toEqual({ n: 7 })
  giveUp.abort(new Error('changed my mind'))
  await expect(asked).rejects.toThrow('changed my mind')
  expect((await caught).code).toBe('PEER_TIMEOUT')
  await until(() => aborted === 2)
})

test('how long a streamed answer took to its first item is told on both sides, once', async () => {
  const told: (readonly [side: string, outcome: string])[] = []
  const { asker, answerer } = await createPair({
    rpc: { onFirstItem: (_, side, outcome) => told.push([side, outcome]) },
  })
  await answerer.rpc.serveStream(
    double(),
    async function* ({ n }) {
      if (n === 0) throw new NodeError('REFUSED_CAPACITY', 'nothing to tell')
      for (let i = 1; i <= n; i++) yield { n: i }
    },
    life,
  )
  const items = async (n: number) =>
    Array.fromAsync(asker.rpc.askStream(double(), answerer.peerId, { n }))
  expect(await items(3)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
  expect((await refusal(items(0))).code).toBe('REFUSED_CAPACITY')
  const cancelled = AbortSignal.abort(new DOMException('no more', 'AbortError'))
  const gone = asker.rpc.askStream(double(), answerer.peerId, { n: 1 }, cancelled)
  await expect(Array.fromAsync(gone)).rejects.toThrow('no more')
  await until(() => told.length >= 5)
  expect(told.toSorted()).toEqual([
    ['asked', 'cancelled'],
    ['asked', 'ok'],
    ['asked', 'refused'],
    ['served', 'ok'],
    ['served', 'refused'],
  ])
})

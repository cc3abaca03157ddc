import { expect, test } from 'vitest'
import { z } from 'zod'
import { NodeError } from '../../src/errors.ts'
import { cborCodec } from '../../src/protocols/codec.ts'
import { text } from '../../src/protocols/fields.ts'
import { defineTunnel, openTunnel, serveTunnel } from '../../src/protocols/tunnel.ts'
import { createPair, until } from '../support/peers.ts'

const shout = defineTunnel({
  name: 'shout',
  request: cborCodec(z.looseObject({ word: text(100) }), 256),
  limits: { requestBytes: 256, timeoutMs: 10_000, perPeerPerMinute: 100 },
})
const life = new AbortController().signal
const bytes = (words: string): Uint8Array => new TextEncoder().encode(words)

test('bytes flow both ways on channels, and each side ends by itself', async () => {
  const { asker, answerer } = await createPair()
  await serveTunnel(
    answerer.rpc,
    shout,
    async ({ word }, channel) => {
      await channel.send(2, bytes(word))
      let heard = ''
      for await (const { data } of channel.frames()) heard += Buffer.from(data)
      await channel.send(1, bytes(heard.toUpperCase()))
    },
    life,
  )
  const channel = await openTunnel(asker.rpc, shout, answerer.peerId, { word: 'hey' }, life)
  await channel.send(0, bytes('hello '))
  await channel.send(0, bytes('there'))
  await channel.end()
  const got: string[] = []
  for await (const frame of channel.frames())
    got.push(`${frame.channel}:${Buffer.from(frame.data)}`)
  expect(got).toEqual(['2:hey', '1:HELLO THERE'])
  await until(
    () =>
      asker.libp2p.getConnections()[0]?.streams.every((s) => !s.protocol.includes('shout')) ===
      true,
  )
})

test('a refusal before the first byte rejects the opening', async () => {
  const { asker, answerer } = await createPair()
  const handler = async (): Promise<void> => {
    throw new NodeError('REFUSED_KEY', 'this key may not enter', { next: 'ask the renter' })
  }
  await serveTunnel(answerer.rpc, shout, handler, life)
  const opening = openTunnel(asker.rpc, shout, answerer.peerId, { word: 'hey' }, life)
  await expect(opening).rejects.toMatchObject({ code: 'REFUSED_KEY', next: 'ask the renter' })
})

test('an error after acceptance reaches the reader with its code', async () => {
  const { asker, answerer } = await createPair()
  await serveTunnel(
    answerer.rpc,
    shout,
    async (_, channel) => {
      await channel.send(1, bytes('so far'))
      throw new NodeError('ENGINE_GONE', 'the container died')
    },
    life,
  )
  const channel = await openTunnel(asker.rpc, shout, answerer.peerId, { word: 'x' }, life)
  const read = async (): Promise<void> => {
    for await (const { data } of channel.frames()) expect(String(Buffer.from(data))).toBe('so far')
  }
  await expect(read()).rejects.toMatchObject({ code: 'PEER_ENGINE_GONE' })
})

test('the opener aborting ends the caller signal on the other side', async () => {
  const { asker, answerer } = await createPair()
  let told: unknown
  await serveTunnel(
    answerer.rpc,
    shout,
    async (_, channel, caller) => {
      await channel.send(1, bytes('ready'))
      for await (const _frame of channel.frames()) expect.unreachable()
      await new Promise((resolve) => caller.signal.addEventListener('abort', resolve))
    },
    life,
  ).then(() => undefined)
  const stop = new AbortController()
  const channel = await openTunnel(asker.rpc, shout, answerer.peerId, { word: 'x' }, stop.signal)
  const frames = channel.frames()[Symbol.asyncIterator]()
  expect((await frames.next()).value).toMatchObject({ channel: 1 })
  stop.abort(new Error('enough'))
  await expect(frames.next()).rejects.toThrow('enough')
  await expect(channel.send(0, bytes('x'))).rejects.toThrow('enough')
  expect(told).toBeUndefined()
})

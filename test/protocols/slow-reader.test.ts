import { expect, test } from 'vitest'
import { z } from 'zod'
import { sleep } from '../../src/clock.ts'
import { cborCodec } from '../../src/protocols/codec.ts'
import { openTunnel, serveTunnel } from '../../src/protocols/tunnel.ts'
import { createPair } from '../support/peers.ts'

const life = new AbortController().signal
const firehose = {
  name: 'firehose',
  request: cborCodec(z.looseObject({}), 1024),
  limits: { requestBytes: 1024, timeoutMs: 30_000, perPeerPerMinute: 100 },
}
const PIECE = new Uint8Array(128 * 1024).fill(7)
const PIECES = 320

// `resume()` hands out what was kept and then reopens the window: pausing while it does so was undone, and a reader
// that stalled for a second time was flooded until its stream was aborted.
test('a reader that stalls again and again gets every byte', async () => {
  const { asker, answerer } = await createPair()
  await serveTunnel(
    answerer.rpc,
    firehose,
    async (_, channel) => {
      for (let i = 0; i < PIECES; i++) await channel.send(1, PIECE)
    },
    life,
  )
  const channel = await openTunnel(asker.rpc, firehose, answerer.peerId, {}, life)
  let bytes = 0
  for await (const { data } of channel.frames()) {
    bytes += data.length
    if (bytes % (16 * PIECE.length) === 0) await sleep(50)
  }
  expect(bytes).toBe(PIECES * PIECE.length)
})

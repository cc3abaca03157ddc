import { randomBytes } from 'node:crypto'
import { type Duplex, duplexPair } from 'node:stream'
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { NodeError } from '../../src/errors.ts'
import {
  createFrameChannel,
  type FrameChannel,
  MAX_FRAME_BYTES,
  OWN_SUM_CHANNEL,
} from '../../src/protocols/frames.ts'
import { createFrameParser, frameHead, messageFrame, tags } from '../../src/protocols/wire.ts'
import { KiB } from '../../src/units.ts'

function channels(): { near: FrameChannel; far: FrameChannel; nearSide: Duplex; farSide: Duplex } {
  const [nearSide, farSide] = duplexPair()
  for (const side of [nearSide, farSide]) side.on('error', () => undefined)
  const near = createFrameChannel(nearSide, 'far')
  const far = createFrameChannel(farSide, 'near')
  return { near, far, nearSide, farSide }
}

async function read(channel: FrameChannel): Promise<string[]> {
  const got: string[] = []
  for await (const { channel: number, data } of channel.frames())
    got.push(`${number}:${Buffer.from(data)}`)
  return got
}

const frame = (tag: number, body: Uint8Array): Buffer =>
  Buffer.concat([frameHead(tag, body.length), body])
const sumOf = (...frames: Buffer[]): Buffer =>
  Buffer.from(crc32(Buffer.concat(frames)).toString(16).padStart(8, '0'), 'hex')

describe('a channel', () => {
  test('lays bytes on the wire as u32 length, u8 channel, payload, and a final CRC-32', async () => {
    const [side, wire] = duplexPair()
    const channel = createFrameChannel(side, 'x')
    await channel.send(3, Buffer.from('hi'))
    const ended = channel.end()
    const bytes: Buffer[] = []
    for await (const chunk of wire) bytes.push(chunk)
    await ended
    const first = Buffer.from('0000000203' + '6869', 'hex')
    expect(Buffer.concat(bytes)).toEqual(Buffer.concat([first, frame(tags.end, sumOf(first))]))
  })

  test('sums only the heads of what has a checksum of its own', async () => {
    const [side, wire] = duplexPair()
    const channel = createFrameChannel(side, 'x')
    await channel.send(OWN_SUM_CHANNEL, Buffer.from('contents'))
    await channel.send(OWN_SUM_CHANNEL - 1, Buffer.from('said'))
    const ended = channel.end()
    const bytes: Buffer[] = []
    for await (const chunk of wire) bytes.push(chunk)
    await ended
    const sum = sumOf(
      frameHead(OWN_SUM_CHANNEL, 8),
      frame(OWN_SUM_CHANNEL - 1, Buffer.from('said')),
    )
    expect(Buffer.concat(bytes).subarray(-sum.length)).toEqual(sum)
    const { far, nearSide } = channels()
    nearSide.end(Buffer.concat(bytes))
    expect(await read(far)).toEqual([`${OWN_SUM_CHANNEL}:contents`, `${OWN_SUM_CHANNEL - 1}:said`])
  })

  test('whose contents were cut short is BAD_MESSAGE, whoever sums them', async () => {
    const { far, nearSide } = channels()
    const [one, two] = [frame(OWN_SUM_CHANNEL, Buffer.from('one')), frameHead(OWN_SUM_CHANNEL, 3)]
    nearSide.write(Buffer.concat([one, frame(tags.end, sumOf(frameHead(OWN_SUM_CHANNEL, 3), two))]))
    await expect(read(far)).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  })

  test('that stops without its final frame was truncated', async () => {
    const { far, nearSide } = channels()
    nearSide.end(frame(0, Buffer.from('half')))
    await expect(read(far)).rejects.toMatchObject({ code: 'PEER_LOST', message: /truncated/ })
  })

  test('that breaks in a frame was lost', async () => {
    const { far, nearSide } = channels()
    nearSide.end(frame(0, Buffer.from('half a frame')).subarray(0, 9))
    await expect(read(far)).rejects.toMatchObject({ code: 'PEER_LOST' })
  })

  test.each([
    ['a wrong checksum', () => [frame(0, Buffer.from('x')), frame(tags.end, Buffer.alloc(4))]],
    [
      'a checksum of another kind',
      () => [frame(0, Buffer.from('x')), frame(tags.end, Buffer.alloc(32))],
    ],
    [
      'two frames in the other order',
      () => {
        const frames = [frame(0, Buffer.from('one')), frame(0, Buffer.from('two'))]
        return [...frames.toReversed(), frame(tags.end, sumOf(...frames))]
      },
    ],
    ['a frame above the limit', () => [frameHead(0, MAX_FRAME_BYTES + 1)]],
    ['an unknown tag', () => [frame(255, Buffer.from('x'))]],
    [
      'a dropped frame',
      () => {
        const frames = [frame(0, Buffer.from('one')), frame(0, Buffer.from('two'))]
        return [frames[1]!, frame(tags.end, sumOf(...frames))]
      },
    ],
  ])('with %s is BAD_MESSAGE', async (_, make) => {
    const { far, nearSide } = channels()
    nearSide.write(Buffer.concat(make()))
    await expect(read(far)).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  })

  test('tells the reader why it was aborted, and refuses more', async () => {
    const { near, far } = channels()
    await near.send(1, Buffer.from('so far'))
    near.abort(new NodeError('REFUSED_EXPIRED', 'the lease ended', { next: 'extend it' }))
    await expect(read(far)).rejects.toMatchObject({ code: 'REFUSED_EXPIRED', next: 'extend it' })
    await expect(near.send(1, Buffer.from('more'))).rejects.toThrow('the lease ended')
    await expect(read(near)).rejects.toThrow('the lease ended')
  })

  test('does not tell a peer what an unexpected error was', async () => {
    const { near, far } = channels()
    near.abort(new Error('secret'))
    await expect(read(far)).rejects.toMatchObject({
      code: 'FAILED',
      message: expect.not.stringContaining('secret'),
    })
  })

  test('holds the sender back while the reader does not read', async () => {
    const { near, far } = channels()
    let sent = 0
    const sending = (async () => {
      for (; sent < 200; sent++) await near.send(0, Buffer.alloc(16 * KiB))
      await near.end()
    })()
    const frames = far.frames()[Symbol.asyncIterator]()
    await frames.next()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(sent).toBeLessThan(50)
    let rest = 0
    for (let next = await frames.next(); !next.done; next = await frames.next()) rest++
    await sending
    expect(rest).toBe(199)
  })
})

describe('the parser', () => {
  test.each([1, 2, 3, 5, 7, 64, 1000, 1e6])(
    'finds the same frames in chunks of %i bytes',
    (size) => {
      const bodies = [0, 1, 4, 5, 300, 0, 2000].map((length) => randomBytes(length))
      const stream = Buffer.concat(bodies.map((body, i) => frame(i, body)))
      const parse = createFrameParser(4096)
      const got = []
      for (let at = 0; at < stream.length; at += size)
        got.push(...parse(stream.subarray(at, at + size)))
      expect(got.map(({ tag }) => tag)).toEqual([0, 1, 2, 3, 4, 5, 6])
      expect(got.map(({ body }) => Buffer.from(body).toString('hex'))).toEqual(
        bodies.map((body) => body.toString('hex')),
      )
    },
  )

  test.each([1, 7, 100, 1000, 1e6])(
    'in pieces of %i bytes, large frames keep their bytes and small ones their shape',
    (size) => {
      const bodies = [3, 500, 20, 21, 0, 2000].map((length) => randomBytes(length))
      const stream = Buffer.concat(bodies.map((body, i) => frame(i, body)))
      const parse = createFrameParser(4096, 20)
      const got = new Map<number, { lengths: number[]; parts: Uint8Array[] }>()
      for (let at = 0; at < stream.length; at += size) {
        for (const { tag, body, length } of parse(stream.subarray(at, at + size))) {
          const seen = got.get(tag) ?? { lengths: [], parts: [] }
          got.set(tag, seen)
          if (length !== undefined) seen.lengths.push(length)
          seen.parts.push(body)
        }
      }
      for (const [tag, body] of bodies.entries()) {
        expect(Buffer.concat(got.get(tag)!.parts)).toEqual(body)
        expect(got.get(tag)!.lengths).toEqual([body.length])
        if (body.length <= 20) expect(got.get(tag)!.parts).toHaveLength(1)
      }
    },
  )

  test('refuses a claimed length at once, without waiting for the bytes', () => {
    expect(() => createFrameParser(100)(frameHead(0, 101))).toThrow(/at most 100/)
    expect(createFrameParser(101)(frameHead(0, 101))).toEqual([])
  })

  test('a request frame is length, tag, id, body', () => {
    const bytes = messageFrame(tags.request, 0x01020304, Buffer.from('ab'))
    expect(bytes.toString('hex')).toBe('00000006' + 'f0' + '01020304' + '6162')
  })
})

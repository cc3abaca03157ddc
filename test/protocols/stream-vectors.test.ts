import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { decode } from 'cborg'
import { expect, test } from 'vitest'
import { streamVectors } from '../support/stream-vectors.ts'

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/streams.json'), 'utf8'),
) as Awaited<ReturnType<typeof streamVectors>>

test('what this program writes on streams is what the golden file says', async () => {
  expect(JSON.parse(JSON.stringify(await streamVectors()))).toEqual(golden)
})

/** Reads frames as a client in another language would: from the description alone. */
function read(hex: string): { tag: number; body: Buffer }[] {
  const bytes = Buffer.from(hex, 'hex')
  const frames = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at)
    frames.push({ tag: bytes[at + 4]!, body: bytes.subarray(at + 5, end) })
    at = end
  }
  return frames
}

test('hello is a request and its answer, each with the same CBOR after a zero id', () => {
  const { dialer, listener, netDigest, versions, timeMs } = golden.hello
  for (const [text, tag] of [
    [dialer, 240],
    [listener, 241],
  ] as const) {
    const [frame, ...rest] = read(text)
    expect(rest).toEqual([])
    expect([frame?.tag, frame?.body.readUInt32BE(0)]).toEqual([tag, 0])
    const said = decode(frame!.body.subarray(4))
    expect({ ...said, netDigest: Buffer.from(said.netDigest).toString('hex') }).toEqual({
      netDigest,
      versions,
      timeMs,
    })
  }
})

test('a refusal is CBOR {code, message, next?}', () => {
  const [refused] = read(golden.frames['refused 7, with code, message and next'])
  expect([refused?.tag, refused?.body.readUInt32BE(0)]).toEqual([243, 7])
  expect(decode(refused!.body.subarray(4))).toEqual({
    code: 'REFUSED_QUOTA',
    message: 'too many',
    next: 'wait a minute',
  })
})

test('a tunnel ends with the CRC-32 of all frames before', () => {
  const frames = read(golden.tunnel.bytes)
  const last = frames.at(-1)!
  expect(last.tag).toBe(245)
  const before = golden.tunnel.bytes.slice(0, -2 * (5 + 4))
  expect(last.body).toHaveLength(4)
  expect(last.body.readUInt32BE()).toBe(crc32(Buffer.from(before, 'hex')))
  expect(
    frames.slice(0, -1).map(({ tag, body }) => ({ channel: tag, data: body.toString('hex') })),
  ).toEqual(golden.tunnel.sent)
})

import { expect, test } from 'vitest'
import { createFrameParser } from '../../src/containers/docker-frames.ts'

const frame = (stream: number, text: string): Buffer => {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

const bytes = Buffer.concat([frame(1, 'hello '), frame(2, 'oops'), frame(1, ''), frame(1, 'world')])

test.each([1, 2, 3, 7, 8, 9, 13, bytes.length])('frames cut into pieces of %i bytes', (size) => {
  const parser = createFrameParser()
  const text = { stdout: '', stderr: '' }
  for (let at = 0; at < bytes.length; at += size) {
    for (const { stream, data } of parser.push(bytes.subarray(at, at + size))) {
      text[stream] += data.toString()
    }
  }
  expect(text).toEqual({ stdout: 'hello world', stderr: 'oops' })
  expect(parser.idle).toBe(true)
})

test('a cut inside a header or a payload is not idle', () => {
  for (const at of [3, 10]) {
    const parser = createFrameParser()
    parser.push(bytes.subarray(0, at))
    expect(parser.idle).toBe(false)
  }
})

test('bytes that are no frames are an engine fault', () => {
  expect(() => createFrameParser().push(Buffer.from('HTTP/1.1 500'))).toThrow(
    expect.objectContaining({ code: 'ENGINE_FAILED' }),
  )
})

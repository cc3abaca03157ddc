import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { NumberedBytes } from '../../src/protocols/numbered-bytes.ts'

test('what a broken connection took along is sent again, whatever the sizes', async () => {
  const all = randomBytes(300_000)
  const bytes = new NumberedBytes(100_000)
  const got: Buffer[] = []
  let received = 0
  const feed = async (): Promise<void> => {
    for (let at = 0; at < all.length; ) {
      const size = 1 + ((at * 7919) % 9000)
      bytes.put(all.subarray(at, at + size))
      at += size
      while (bytes.isFull) await bytes.changed()
    }
    bytes.end()
  }
  const fed = feed()
  for (let n = 0; received < all.length; n++) {
    let lost = false
    const send = async (data: Uint8Array): Promise<void> => {
      if (lost) throw new Error('the connection is gone')
      const arrives = data.subarray(0, n % 5 === 4 ? data.length : 1 + (data.length >> 1))
      got.push(Buffer.from(arrives))
      received += arrives.length
      lost = arrives.length < data.length
      bytes.acknowledge(received)
    }
    await bytes.sendFrom(received, send, new AbortController().signal).catch(() => undefined)
  }
  await fed
  expect(Buffer.concat(got).equals(all)).toBe(true)
  expect(bytes.isFull).toBe(false)
})

test('offsets that cannot be are refused', async () => {
  const bytes = new NumberedBytes(10)
  bytes.put(Buffer.from('hello'))
  bytes.acknowledge(3)
  const bad = expect.objectContaining({ code: 'BAD_MESSAGE' })
  expect(() => bytes.acknowledge(6)).toThrow(bad)
  const send = async (): Promise<void> => undefined
  const { signal } = new AbortController()
  await expect(bytes.sendFrom(2, send, signal)).rejects.toEqual(bad)
  await expect(bytes.sendFrom(6, send, signal)).rejects.toEqual(bad)
})

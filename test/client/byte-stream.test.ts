import { describe, expect, test } from 'vitest'
import { byteSource } from '../../src/client/byte-stream.ts'
import { KiB, MiB } from '../../src/units.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Whether a promise has settled once everything that was ready has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  void promise.then(() => {
    settled = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  return settled
}

describe('a stream of bytes', () => {
  test('lines: across pieces, characters and kinds of ends', async () => {
    const { stream, push, end } = byteSource()
    const euro = bytes('€')
    for (const piece of [bytes('on'), bytes('e\ntwo\r'), bytes('\n'), euro.slice(0, 1)]) {
      await push(piece)
    }
    await push(euro.slice(1))
    end()
    expect(await Array.fromAsync(stream.lines())).toEqual(['one', 'two', '€'])
  })

  test('holds its source back while its reader is behind', async () => {
    const { stream, push } = byteSource()
    const reading = stream[Symbol.asyncIterator]()
    const first = push(new Uint8Array(300 * KiB))
    expect(await isSettled(first)).toBe(false)
    expect((await reading.next()).value).toHaveLength(300 * KiB)
    expect(await isSettled(first)).toBe(true)
  })

  test('whoever leaves it early lets its source go on, and keeps nothing', async () => {
    const { stream, push } = byteSource()
    await push(bytes('one'))
    for await (const piece of stream) {
      expect(piece).toEqual(bytes('one'))
      break
    }
    expect(await isSettled(push(new Uint8Array(MiB)))).toBe(true)
  })

  test('that nobody reads keeps its newest MiB once it is let go, and all of it before', async () => {
    const { stream, push, end, letGo } = byteSource()
    const waits = push(new Uint8Array(600 * KiB).fill(1))
    expect(await isSettled(waits)).toBe(false)
    letGo()
    expect(await isSettled(waits)).toBe(true)
    await push(new Uint8Array(600 * KiB).fill(2))
    end()
    const kept = await stream.bytes()
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([600 * KiB, 2, 2])
  })

  test('gives what came before it broke, then throws what broke it', async () => {
    const { stream, push, fail } = byteSource()
    await push(bytes('before'))
    fail(new Error('broken'))
    const reading = stream[Symbol.asyncIterator]()
    expect((await reading.next()).value).toEqual(bytes('before'))
    await expect(reading.next()).rejects.toThrow('broken')
  })

  test('has one reader', async () => {
    const { stream, end } = byteSource()
    end()
    expect(await stream.text()).toBe('')
    await expect(stream.text()).rejects.toThrow('being read already')
  })
})

import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test, vi } from 'vitest'
import { spoolOutput } from '../../src/containers/spooled-output.ts'

const KIB = 1024
const running = async (): Promise<boolean> => false
const piece = Buffer.alloc(16 * KIB, 7)

/** Writes pieces until the socket takes no more; returns how many bytes went in. */
async function writeUntilHeld(socket: PassThrough, limitBytes: number): Promise<number> {
  let written = 0
  while (written < limitBytes) {
    if (!socket.write(piece)) {
      const drained = await Promise.race([
        new Promise((resolve) => socket.once('drain', () => resolve(true))),
        new Promise((resolve) => setTimeout(() => resolve(false), 200)),
      ])
      if (drained === false) return written + piece.length
    }
    written += piece.length
  }
  return written
}

test('a stalled reader holds the command back, and loses nothing when it goes on', async () => {
  const socket = new PassThrough()
  const { stdout, stderr } = spoolOutput(socket, {
    tty: true,
    hasEnded: running,
    spoolBytes: 256 * KIB,
  })
  const written = await writeUntilHeld(socket, 4096 * KIB)
  expect(written).toBeGreaterThanOrEqual(256 * KIB)
  expect(written).toBeLessThan(1024 * KIB)
  expect(stdout.readableLength).toBeLessThanOrEqual(512 * KIB)

  const all = buffer(stdout)
  stderr.resume()
  socket.end('the end')
  const got = await all
  expect(got.length).toBe(written + 7)
  expect(got.subarray(-7).toString()).toBe('the end')
})

test('when the command has ended, the rest is taken in before the engine drops it', async () => {
  const socket = new PassThrough()
  let ended = false
  const { stdout, received } = spoolOutput(socket, {
    tty: true,
    hasEnded: async () => ended,
    spoolBytes: 64 * KIB,
  })
  const written = await writeUntilHeld(socket, 1024 * KIB)
  ended = true
  const rest = Buffer.alloc(512 * KIB, 9)
  socket.end(rest)
  await received // although nobody has read a byte
  expect((await buffer(stdout)).length).toBe(written + rest.length)
})

test('a reader that leaves does not hold the other output up', async () => {
  const socket = new PassThrough()
  const { stdout, received } = spoolOutput(socket, {
    tty: true,
    hasEnded: running,
    spoolBytes: 64 * KIB,
  })
  const written = await writeUntilHeld(socket, 1024 * KIB)
  expect(written).toBeLessThan(1024 * KIB)
  stdout.destroy()
  socket.end(piece)
  await received
})

test('a connection that breaks is an unknown outcome, never an end', async () => {
  const socket = new PassThrough()
  const { stdout, stderr } = spoolOutput(socket, { tty: false, hasEnded: running })
  stderr.resume()
  socket.end(Buffer.from([1, 0, 0, 0, 0, 0, 0, 9, 65])) // 9 bytes announced, 1 sent
  await expect(buffer(stdout)).rejects.toMatchObject({ code: 'ENGINE_UNKNOWN' })
})

test('the engine is asked only while the reader stalls', async () => {
  const socket = new PassThrough()
  const hasEnded = vi.fn(running)
  const { stdout } = spoolOutput(socket, { tty: true, hasEnded, spoolBytes: 64 * KIB })
  stdout.resume()
  socket.end(Buffer.alloc(1024 * KIB))
  await new Promise((resolve) => stdout.once('end', resolve))
  expect(hasEnded).not.toHaveBeenCalled()
})

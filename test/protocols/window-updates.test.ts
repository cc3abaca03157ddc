import type { Duplex } from 'node:stream'
import type { Libp2p, Stream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { toDuplex } from '../../src/protocols/duplex.ts'
import { KiB, MiB } from '../../src/units.ts'
import { createPair, until } from '../support/peers.ts'

const PROTOCOL = '/test/windows/1'
/** Yamux's type of a frame that opens the window further. */
const WINDOW_UPDATE = 1

interface Reader {
  bytes: number
  updates: number
}

/** Counts what a reader of a stream gets, and how often it opens the window further. */
async function countingReader(libp2p: Libp2p, read: (stream: Stream, got: Got) => void) {
  const reader: Reader = { bytes: 0, updates: 0 }
  await libp2p.handle(PROTOCOL, (stream) => {
    const told = stream as unknown as { sendFrame(header: { type: number }): boolean }
    const sendFrame = told.sendFrame.bind(stream)
    told.sendFrame = (...frame: Parameters<typeof sendFrame>) => {
      if (frame[0].type === WINDOW_UPDATE) reader.updates++
      return sendFrame(...frame)
    }
    read(stream, (bytes) => {
      reader.bytes += bytes
    })
  })
  return reader
}

type Got = (bytes: number) => void

const bare = (stream: Stream, got: Got): void =>
  stream.addEventListener('message', ({ data }) => got(data.byteLength))
/** It breaks when the test ends its nodes. */
const quiet = (duplex: Duplex): Duplex => duplex.on('error', () => undefined)
const asDuplex = (stream: Stream, got: Got): void =>
  void quiet(toDuplex(stream)).on('data', ({ length }: Buffer) => got(length))

/** Sends messages, each once the one before has come. */
async function sendEach(sender: Stream, reader: Reader, count: number): Promise<void> {
  for (let sent = 1; sent <= count; sent++) {
    sender.send(Buffer.alloc(1))
    await until(() => reader.bytes === sent)
  }
}

test.each([
  ['yamux alone', bare, 20],
  ['a duplex', asDuplex, 0],
] as const)(
  'a message to %s opens the window further each time or not',
  async (_, read, updates) => {
    const { asker, answerer } = await createPair()
    const reader = await countingReader(answerer.libp2p, read)
    const sender = await asker.libp2p.dialProtocol(answerer.libp2p.getMultiaddrs(), PROTOCOL)
    await sendEach(sender, reader, 20)
    expect(reader.updates).toBe(updates)
  },
)

test('32 KiB open a growing window further, and all arrives', async () => {
  const { asker, answerer } = await createPair()
  const reader = await countingReader(answerer.libp2p, asDuplex)
  const sender = await asker.libp2p.dialProtocol(answerer.libp2p.getMultiaddrs(), PROTOCOL)
  const duplex = quiet(toDuplex(sender))
  duplex.write(Buffer.alloc(20 * KiB))
  await until(() => reader.bytes === 20 * KiB)
  expect(reader.updates).toBe(0)
  duplex.write(Buffer.alloc(12 * KiB))
  await until(() => reader.bytes === 32 * KiB)
  expect(reader.updates).toBe(1)
  const total = 64 * MiB
  duplex.write(Buffer.alloc(total - 32 * KiB))
  await until(() => reader.bytes === total)
  expect(reader.updates).toBeGreaterThanOrEqual(total / (4 * MiB))
})

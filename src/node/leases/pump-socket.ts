import type { Duplex } from 'node:stream'
import type { FrameChannel } from '../../protocols/frames.ts'
import { channels, controlToMiner, controlToRenter } from '../../protocols/session.ts'
import { KiB } from '../../units.ts'
import { drainedOrClosed } from './sessions/feed-command.ts'

const PIECE_BYTES = 256 * KiB

/** Which end of a `port` session this is. */
export type PortEnd = 'miner' | 'renter'

/**
 * Bytes between a TCP connection and a `port` session, both ways at the pace of the slower side, each direction ending
 * by itself; resolves when both have ended. Rejects when either breaks: the caller destroys both. `isTurnedAway` sees
 * what the connection says first; where it says yes nothing goes on, and it rejects too.
 */
export async function pumpSocket(
  socket: Duplex,
  channel: FrameChannel,
  end: PortEnd,
  isTurnedAway: (first: Uint8Array) => boolean = () => false,
): Promise<void> {
  const broken = Promise.withResolvers<never>()
  socket.once('error', broken.reject)
  try {
    await Promise.race([
      Promise.all([sendAll(socket, channel, end, isTurnedAway), receiveAll(socket, channel, end)]),
      broken.promise,
    ])
  } finally {
    socket.off('error', broken.reject).on('error', () => undefined) // told already, or destroyed by us
  }
}

async function sendAll(
  socket: Duplex,
  channel: FrameChannel,
  end: PortEnd,
  isTurnedAway: (first: Uint8Array) => boolean,
): Promise<void> {
  const to = end === 'miner' ? channels.stdout : channels.stdin
  await sendBytes(socket, channel, to, isTurnedAway)
  const { encode } = end === 'miner' ? controlToRenter : controlToMiner
  await channel.send(channels.control, encode({ kind: 'eof' }))
}

/** By events: an iterator would destroy the socket at its end, and stop and start its reading for every chunk. */
function sendBytes(
  socket: Duplex,
  channel: FrameChannel,
  to: number,
  isTurnedAway: (first: Uint8Array) => boolean,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let waitingBytes = 0
  let ended = false
  let isFirst = true
  const send = async (data: Uint8Array): Promise<void> => {
    // All pieces in this tick, before those of the next chunk.
    await Promise.all(pieces(data).map((piece) => channel.send(to, piece)))
    waitingBytes -= data.length
    if (waitingBytes > 0) return
    if (ended) resolve()
    else if (socket.isPaused()) socket.resume()
  }
  socket.on('data', (data: Uint8Array) => {
    if (isFirst && isTurnedAway(data)) return reject(new Error('the connection was turned away'))
    isFirst = false
    waitingBytes += data.length
    if (waitingBytes >= PIECE_BYTES) socket.pause()
    send(data).catch(reject)
  })
  socket.once('end', () => {
    ended = true
    if (waitingBytes === 0) resolve()
  })
  socket.once('close', () => {
    if (!ended) reject(new Error('the connection closed'))
  })
  return promise
}

const pieces = (data: Uint8Array): Uint8Array[] =>
  data.length <= PIECE_BYTES
    ? [data]
    : Array.from({ length: Math.ceil(data.length / PIECE_BYTES) }, (_, i) =>
        data.subarray(i * PIECE_BYTES, (i + 1) * PIECE_BYTES),
      )

/** Until the peer's `eof`. Frames are read on after it: only what is read to its end is closed. */
function receiveAll(socket: Duplex, channel: FrameChannel, end: PortEnd): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const { decode } = end === 'miner' ? controlToMiner : controlToRenter
  const read = async (): Promise<void> => {
    for await (const { channel: from, data } of channel.frames()) {
      if (from !== channels.control) await write(socket, data)
      else if (decode(data).kind === 'eof') {
        socket.end()
        if (end === 'miner') resolve()
      }
    }
  }
  read().then(resolve, reject)
  return promise
}

async function write(socket: Duplex, data: Uint8Array): Promise<void> {
  if (socket.destroyed || socket.writableEnded) return
  // What came in one tick leaves in one system call.
  if (socket.writableCorked === 0) {
    socket.cork()
    process.nextTick(() => socket.uncork())
  }
  if (!socket.write(data)) await drainedOrClosed(socket)
}

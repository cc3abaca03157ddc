import type { Duplex } from 'node:stream'
import { pipe } from 'it-pipe'
import { inPieces, toChannel } from '../../protocols/channel-pipe.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { channels, controlToMiner, controlToRenter } from '../../protocols/session.ts'
import { KiB } from '../../units.ts'
import { drainedOrClosed } from './sessions/feed-command.ts'

const PIECE_BYTES = 256 * KiB

/** Which end of a `port` session this is. */
export type PortEnd = 'miner' | 'renter'

/**
 * Bytes between a TCP connection and a `port` session, both ways at the pace of the slower side, each direction ending
 * by itself; resolves when both have ended. Rejects when either breaks: the caller destroys both.
 */
export async function pumpSocket(
  socket: Duplex,
  channel: FrameChannel,
  end: PortEnd,
): Promise<void> {
  const broken = Promise.withResolvers<never>()
  socket.once('error', broken.reject)
  try {
    await Promise.race([
      Promise.all([sendAll(socket, channel, end), receiveAll(socket, channel, end)]),
      broken.promise,
    ])
  } finally {
    socket.off('error', broken.reject).on('error', () => undefined) // told already, or destroyed by us
  }
}

async function sendAll(socket: Duplex, channel: FrameChannel, end: PortEnd): Promise<void> {
  const to = end === 'miner' ? channels.stdout : channels.stdin
  // An iterator would destroy the socket at its end, and with it the other direction.
  const source = socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
  await pipe(source, inPieces(PIECE_BYTES), toChannel(channel, to))
  const { encode } = end === 'miner' ? controlToRenter : controlToMiner
  await channel.send(channels.control, encode({ kind: 'eof' }))
}

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
  // Frames are views of a buffer that is used again.
  if (!socket.write(Uint8Array.from(data))) await drainedOrClosed(socket)
}

import type { Readable } from 'node:stream'
import { pipe } from 'it-pipe'
import { inPieces, toChannel } from '../../../protocols/channel-pipe.ts'
import type { FrameChannel } from '../../../protocols/frames.ts'

/** A pull of a stream may be larger than a frame. */
const PIECE_BYTES = 128 * 1024

/** Sends all of it on one channel; a slow renter holds the reading back, and with it the command. */
export const sendAll = (
  from: Readable | readonly Uint8Array[],
  to: number,
  channel: FrameChannel,
): Promise<void> =>
  pipe(from as AsyncIterable<Uint8Array>, inPieces(PIECE_BYTES), toChannel(channel, to))

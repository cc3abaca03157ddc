import { NodeError } from '../errors.ts'
import { KiB } from '../units.ts'
import type { Codec } from './codec.ts'
import type { FrameChannel } from './frames.ts'
import { CONTENTS_CHANNEL, FILES_CHANNEL, filesToMiner, filesToRenter } from './session-files.ts'

/** Contents go in frames of at most this. */
const PIECE_BYTES = 256 * KiB

export type Heard<In> = { readonly message: In } | { readonly data: Uint8Array }

/** One end of a session of kind `files`: messages and contents, in the order they were sent. */
export interface FilesTalk<In, Out> {
  tell(message: Out): Promise<void>
  /** Contents, at the pace of the other end; `taken` as a channel's `send` has it. */
  give(data: Uint8Array, taken?: () => void): Promise<void>
  /** What comes next, undefined after the other's end. Data are views: copy to keep. */
  hear(): Promise<Heard<In> | undefined>
  /** The next message. @throws BAD_MESSAGE for contents that nobody asked for, PEER_LOST when there is none */
  hearMessage(): Promise<In>
  /** Exactly so many bytes of contents, in pieces. @throws BAD_MESSAGE when something else comes */
  hearBytes(size: number): AsyncIterable<Uint8Array>
}

export const minersTalk = (channel: FrameChannel) =>
  createTalk(channel, filesToMiner, filesToRenter)
export const rentersTalk = (channel: FrameChannel) =>
  createTalk(channel, filesToRenter, filesToMiner)

function createTalk<In, Out>(
  channel: FrameChannel,
  reads: Codec<In>,
  writes: Codec<Out>,
): FilesTalk<In, Out> {
  const frames = channel.frames()[Symbol.asyncIterator]()
  /** What of a frame belongs to the file after. */
  let rest: Uint8Array | undefined
  const hear = async (): Promise<Heard<In> | undefined> => {
    if (rest !== undefined) {
      const data = rest
      rest = undefined
      return { data }
    }
    const next = await frames.next()
    if (next.done === true) return undefined
    const { channel: from, data } = next.value
    if (from === FILES_CHANNEL) return { message: reads.decode(data) }
    if (from === CONTENTS_CHANNEL) return { data }
    throw new NodeError('BAD_MESSAGE', `channel ${from} has no place here`)
  }
  return {
    tell: (message) => channel.send(FILES_CHANNEL, writes.encode(message)),
    async give(data, taken) {
      for (let at = 0; at < data.length; at += PIECE_BYTES) {
        const isLast = at + PIECE_BYTES >= data.length
        const piece = data.subarray(at, at + PIECE_BYTES)
        await channel.send(CONTENTS_CHANNEL, piece, isLast ? taken : undefined)
      }
    },
    hear,
    async hearMessage() {
      const heard = await hear()
      if (heard === undefined) throw new NodeError('PEER_LOST', 'the other end left in the middle')
      if ('message' in heard) return heard.message
      throw new NodeError('BAD_MESSAGE', 'contents where a message belongs')
    },
    async *hearBytes(size) {
      for (let left = size; left > 0; ) {
        const heard = await hear()
        if (heard === undefined) throw new NodeError('PEER_LOST', 'the contents were cut off')
        if (!('data' in heard)) throw new NodeError('BAD_MESSAGE', 'the contents are too short')
        const { data } = heard
        if (data.length > left) rest = data.subarray(left)
        yield data.subarray(0, left)
        left -= Math.min(left, data.length)
      }
    },
  }
}

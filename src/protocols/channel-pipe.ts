import type { FrameChannel } from './frames.ts'

/** A stage of `pipe` that cuts chunks into pieces of at most `maxBytes`, so that a slow link stays responsive. */
export const inPieces = (maxBytes: number) =>
  async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length; at += maxBytes) yield chunk.subarray(at, at + maxBytes)
    }
  }

/** The end of a `pipe` into one channel of a tunnel: a slow peer holds the source back. */
export const toChannel =
  (tunnel: FrameChannel, channel: number) =>
  async (source: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const piece of source) await tunnel.send(channel, piece)
  }

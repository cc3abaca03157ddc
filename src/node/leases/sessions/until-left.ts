import type { FrameChannel } from '../../../protocols/frames.ts'

/** Rejects when the renter leaves; what it sends has no meaning. */
export async function untilLeft(channel: FrameChannel): Promise<never> {
  for await (const frame of channel.frames()) void frame
  return new Promise<never>(() => undefined)
}

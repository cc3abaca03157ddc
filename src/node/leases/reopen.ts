import { sleep } from '../../clock.ts'
import { codeOf } from '../../errors.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { isRefusal } from '../../protocols/refusal.ts'
import { secondsMs } from '../../units.ts'

/** How long a connection that broke is tried for. */
const PATIENCE_MS = secondsMs(60)
const PAUSES_MS = [50, 250, 500, 1000, 2000]

/**
 * Opens a session again whose connection broke, for up to 60 s.
 * @throws a refusal at once; `cause` when the connection did not come back; the signal's reason
 */
export async function reopen(
  open: () => Promise<FrameChannel>,
  { cause, signal }: { readonly cause: unknown; readonly signal: AbortSignal },
): Promise<FrameChannel> {
  const endMs = performance.now() + PATIENCE_MS
  for (let tries = 0; ; tries++) {
    await sleep(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]!, signal)
    try {
      return await open()
    } catch (error) {
      if (isRefusal(error) || !codeOf(error).startsWith('PEER_')) throw error
      if (performance.now() > endMs) throw cause
    }
  }
}

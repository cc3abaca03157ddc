import { sleep } from '../clock.ts'
import { connectJsonRpc, type JsonRpc } from './json-rpc.ts'

const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 15_000

/**
 * Keeps a connection until `signal` aborts: `work` runs on each one and ends with it; a lost one is opened again,
 * later each time it fails at once.
 */
export async function keepConnected(
  url: string,
  signal: AbortSignal,
  work: (rpc: JsonRpc) => Promise<void>,
  onLost: (error: unknown) => void,
): Promise<void> {
  let waitMs = FIRST_RETRY_MS
  while (!signal.aborted) {
    try {
      const rpc = await connectJsonRpc(url, signal)
      const close = (): void => rpc.close()
      signal.addEventListener('abort', close, { once: true })
      try {
        await work(rpc)
        waitMs = FIRST_RETRY_MS
        await rpc.closed
      } finally {
        signal.removeEventListener('abort', close)
        rpc.close()
      }
    } catch (error) {
      if (!signal.aborted) onLost(error)
    }
    if (signal.aborted) return
    await sleep(waitMs, signal).catch(() => undefined) // the owner stopped: the loop sees it
    waitMs = Math.min(2 * waitMs, LAST_RETRY_MS)
  }
}

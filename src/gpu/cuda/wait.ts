import { setImmediate, setTimeout as sleep } from 'node:timers/promises'

/** Passes and steps take a few ms, and a late look would leave the device idle; a fill takes seconds. */
const SPIN_MS = 50

/**
 * Waits until `done` says yes, which is asked once per turn of the event loop and, after SPIN_MS, once per millisecond.
 * What `done` throws is thrown.
 */
export async function until(done: () => boolean): Promise<void> {
  const startMs = performance.now()
  while (!done()) {
    if (performance.now() - startMs < SPIN_MS) await setImmediate()
    else await sleep(1)
  }
}

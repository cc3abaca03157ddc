import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from './log.ts'

/** Where the time comes from; tests pass their own. */
export type NowMs = () => number

/**
 * A clock that tells the time of `nowMs` when it is made and from then on what really passed: it neither jumps nor goes
 * back when somebody sets this machine's clock, and stands still while the machine sleeps.
 */
export function steadyClock(nowMs: NowMs): NowMs {
  const startMs = nowMs() - performance.now()
  return () => Math.round(startMs + performance.now())
}

/** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  delay(ms, undefined, signal === undefined ? {} : { signal })

/** Runs `work` now and then every `ms`, never twice at once, until `signal` aborts; a failure is logged and the next turn comes. */
export function every(
  ms: number,
  { signal, log, name }: { signal: AbortSignal; log: Log; name: string },
  work: () => Promise<void> | void,
): Promise<void> {
  return (async () => {
    while (!signal.aborted) {
      try {
        await work()
      } catch (error) {
        if (signal.aborted) return
        log.error(`${name}-failed`, error)
      }
      try {
        await sleep(ms, signal)
      } catch {
        return // the owner stopped: that is how this loop ends
      }
    }
  })()
}

/** A signal that aborts with `parent` or after `ms`, whichever is first. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
  /** True once `ms` passed (and not merely because the parent aborted). */
  readonly expired: boolean
  /** Ends it in `ms` from now, if it would end later. */
  within(ms: number): void
}

/**
 * Bounds one call in time and frees everything when the scope ends: `using limit = deadline(signal, ms)`.
 * `AbortSignal.any([life, timeout])` would keep about 2 KB per call until the timeout (notes/house.md §4).
 */
export function deadline(parent: AbortSignal | undefined, ms: number): Deadline {
  const controller = new AbortController()
  let expired = false
  const onParent = (): void => controller.abort(parent?.reason)
  let allowedMs = ms
  const startMs = performance.now()
  const expire = (): void => {
    expired = true
    controller.abort(new DOMException(`timed out after ${allowedMs} ms`, 'TimeoutError'))
  }
  let timer = setTimeout(expire, ms)
  if (parent?.aborted === true) onParent()
  parent?.addEventListener('abort', onParent, { once: true })
  return {
    signal: controller.signal,
    get expired() {
      return expired
    },
    within(soonerMs) {
      const inAllMs = Math.round(performance.now() - startMs) + soonerMs
      if (inAllMs >= allowedMs || controller.signal.aborted) return
      allowedMs = inAllMs
      clearTimeout(timer)
      timer = setTimeout(expire, soonerMs)
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      parent?.removeEventListener('abort', onParent)
    },
  }
}

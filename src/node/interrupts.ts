import { NodeError } from '../errors.ts'

export interface Interrupts {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal
  /** Tells of a signal that arrived. */
  press(name: string): void
}

/** A second signal this soon is the same key press, handed on by npm or by the launcher. */
const SAME_PRESS_MS = 700

/** The first signal asks for an orderly end, a later one calls `kill`. */
export function createInterrupts(nowMs: () => number, kill: () => void): Interrupts {
  const controller = new AbortController()
  let firstMs = 0
  return {
    signal: controller.signal,
    press(name) {
      if (!controller.signal.aborted) {
        firstMs = nowMs()
        controller.abort(new NodeError('FAILED_INTERRUPTED', `stopped by ${name}`))
      } else if (nowMs() - firstMs > SAME_PRESS_MS) {
        kill()
      }
    },
  }
}

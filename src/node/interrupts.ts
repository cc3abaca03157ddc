import { NodeError } from '../errors.ts'

export interface Interrupts {
  /** Aborts at the first signal that asks for an end. */
  readonly signal: AbortSignal
  /** Tells of a signal that arrived. */
  press(name: string): void
  /**
   * From now on the first Ctrl-C calls `warn`; where that is true somebody was told what would end, and only the next
   * one asks for an end.
   */
  warnFirst(warn: () => boolean): void
}

/** A second signal this soon is the same key press, handed on by npm or by the launcher. */
const SAME_PRESS_MS = 700

/** The first signal asks for an orderly end, a later one calls `kill`. */
export function createInterrupts(nowMs: () => number, kill: () => void): Interrupts {
  const controller = new AbortController()
  let lastMs = Number.NEGATIVE_INFINITY
  let warn: (() => boolean) | undefined
  return {
    signal: controller.signal,
    press(name) {
      if (nowMs() - lastMs <= SAME_PRESS_MS) return
      lastMs = nowMs()
      if (controller.signal.aborted) return kill()
      const ask = name === 'SIGINT' ? warn : undefined
      warn = undefined
      if (ask?.() === true) return
      controller.abort(new NodeError('FAILED_INTERRUPTED', `stopped by ${name}`))
    },
    warnFirst(told) {
      warn = told
    },
  }
}

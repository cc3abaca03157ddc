import type { NowMs } from '../../clock.ts'

/**
 * How long ago something began, whatever becomes of this machine's clock. Between two looks passed what either clock
 * shows: the wall clock goes on while the machine sleeps, the steady one when the wall clock is set back. A clock that is
 * set forward makes it too long, which takes no lease from anybody.
 */
export interface Elapsed {
  readonly ms: number
  /** The wall clock then, in unix ms. */
  readonly wallMs: number
  /** The steady clock then; undefined when a run before this one looked. */
  readonly steadyMs?: number | undefined
  /** True after a restart that the wall clock went back over: how long that took nobody knows. */
  readonly isUnsure?: boolean | undefined
}

export interface Clocks {
  readonly nowMs: NowMs
  readonly steadyMs: NowMs
}

/** It begins now. */
export const beginElapsed = ({ nowMs, steadyMs }: Clocks): Elapsed => ({
  ms: 0,
  wallMs: nowMs(),
  steadyMs: steadyMs(),
})

/** The same, now. */
export function lookElapsed(before: Elapsed, { nowMs, steadyMs }: Clocks): Elapsed {
  const now = { wallMs: nowMs(), steadyMs: steadyMs() }
  const byWallMs = now.wallMs - before.wallMs
  const bySteadyMs = before.steadyMs === undefined ? 0 : now.steadyMs - before.steadyMs
  const isUnsure = before.isUnsure === true || (before.steadyMs === undefined && byWallMs < 0)
  return {
    ...now,
    ms: before.ms + Math.max(0, byWallMs, bySteadyMs),
    ...(isUnsure ? { isUnsure } : {}),
  }
}

/** What is unsure takes the miner's word, once: from here on the clock counts again. */
export const trusting = ({ isUnsure: _, ...elapsed }: Elapsed, upMs: number): Elapsed => ({
  ...elapsed,
  ms: Math.max(elapsed.ms, upMs),
})

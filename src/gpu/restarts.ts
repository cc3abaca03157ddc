import { minutesMs, secondsMs } from '../units.ts'

/** The second crash in a row waits this long, each one after it twice as long as the one before. */
const FIRST_WAIT_MS = secondsMs(5)
const MAX_WAIT_MS = minutesMs(10)
/** A process that lived this long starts the count anew. */
const HEALTHY_MS = minutesMs(10)

/** Decides when something that keeps crashing is started again; the clock is the caller's. */
export class Restarts {
  #crashes = 0
  #untilMs = 0

  /** Crashes in a row. */
  get crashes(): number {
    return this.#crashes
  }

  /** Notes that what started at `startedMs` crashed; returns how long to wait. */
  crashed(startedMs: number, nowMs: number): number {
    this.#crashes = nowMs - startedMs >= HEALTHY_MS ? 1 : this.#crashes + 1
    const waitMs =
      this.#crashes === 1 ? 0 : Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#crashes - 2))
    this.#untilMs = nowMs + waitMs
    return waitMs
  }

  /** How long to wait from now, ms; 0 when it may start. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs)
  }
}

/** Rests shorter than this are saved up: timers are no finer. */
const LEAST_REST_MS = 2

/**
 * How long work rests so that it runs at a duty cycle: after each step in proportion to what it took. Pure: it is told
 * what work and rests took, and a rest that came out longer is taken off the next.
 */
export class Pacer {
  readonly #restPerWork: number
  #owedMs = 0

  /** A duty of 1 never rests; RangeError for one that is not above 0 and at most 1. */
  constructor(duty: number) {
    if (!(duty > 0 && duty <= 1)) throw new RangeError(`no duty cycle: ${duty}`)
    this.#restPerWork = (1 - duty) / duty
  }

  /** A step took so long; returns how long to rest now, 0 for not at all. */
  worked(tookMs: number): number {
    this.#owedMs += Math.max(0, tookMs) * this.#restPerWork
    return this.#owedMs < LEAST_REST_MS ? 0 : this.#owedMs
  }

  /** A rest took so long. */
  rested(tookMs: number): void {
    this.#owedMs -= tookMs
  }
}

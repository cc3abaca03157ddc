import type { SlotNetwork } from '../gpu/slot-network.ts'

/** How this machine's clock stands to the beacon's time. */
export type ClockFault = 'behind' | 'ahead'

/** Newest rounds that are looked at. */
const ROUNDS = 16
/** A pulse takes up to a second from its schedule to everyone; only what every one of many exceeds is the clock's. */
const LATE_MS = 2000

/**
 * Judges the clock by when pulses arrive. One that came before its time shows a clock that is behind; a late one shows
 * nothing, but when all of many are late, the clock is ahead or this node hears everything too late: both make its
 * stamps wrong (notes/gpu-protocol.md §1, §14).
 */
export class ClockCheck {
  readonly #maxSkewMs: number
  readonly #lateMs: number
  readonly #delaysMs: number[] = []
  #newest = 0

  constructor({ maxSkewMs, maxLagMs }: Pick<SlotNetwork, 'maxSkewMs' | 'maxLagMs'>) {
    this.#maxSkewMs = maxSkewMs
    this.#lateMs = Math.max(LATE_MS, maxLagMs)
  }

  /** A round's pulse arrived this long after its schedule; one that is older than the newest was fetched late on purpose. */
  heard(round: number, delayMs: number): void {
    if (round <= this.#newest) return
    this.#newest = round
    this.#delaysMs.push(delayMs)
    if (this.#delaysMs.length > ROUNDS) this.#delaysMs.shift()
  }

  fault(): ClockFault | undefined {
    if (this.#delaysMs.some((delayMs) => delayMs < -this.#maxSkewMs)) return 'behind'
    const full = this.#delaysMs.length === ROUNDS
    return full && this.#delaysMs.every((delayMs) => delayMs > this.#lateMs) ? 'ahead' : undefined
  }
}

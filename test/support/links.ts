import type { Link } from './slot-simulation.ts'

/** Delay, its spread, and loss of a connection between two machines. */
export interface LinkQuality {
  readonly delayMs: number
  /** Mean of what is added at random, exponentially distributed. */
  readonly jitterMs?: number
  /** Share of packets lost, each sent again after 200, 400, 800, … ms as TCP does. */
  readonly loss?: number
  /** Share of packets before which the line stands still for up to `stallMs`. */
  readonly stalls?: number
  readonly stallMs?: number
  /** Whether later messages may overtake earlier ones, as over several streams or after a reconnect. */
  readonly reorders?: boolean
}

/** A line of such a quality, repeatable for a generator of random numbers. */
export function createLink(quality: LinkQuality, random: () => number): Link {
  const { delayMs, jitterMs = 0, loss = 0, stalls = 0, stallMs = 0, reorders = false } = quality
  let busyUntilMs = 0
  return (sentMs) => {
    let atMs = sentMs + delayMs - jitterMs * Math.log(1 - random())
    for (let waitMs = 200; random() < loss; waitMs *= 2) atMs += waitMs
    if (random() < stalls) atMs += stallMs * random()
    if (reorders) return atMs
    busyUntilMs = Math.max(busyUntilMs, atMs)
    return busyUntilMs
  }
}

/** What holds a device of this machine, and until when. */
export interface Held {
  readonly device: string
  /** From now; undefined when nobody can tell, e.g. of a device that is lost. 0: it is free. */
  readonly freeInMs: number | undefined
}

/** A request ahead, or the one that is asked about. */
export interface Ahead {
  readonly devices: readonly string[]
  readonly count: number
  readonly durationMs: number
}

/** Fewer past leases say nothing about the next one. */
const LEAST_PAST = 3
/** Lengths remembered, newest last. */
export const PAST_LENGTHS = 50

/** How long leases lasted here on average; undefined before there were a few. */
export const meanLengthMs = (pastMs: readonly number[]): number | undefined =>
  pastMs.length < LEAST_PAST
    ? undefined
    : Math.round(pastMs.reduce((sum, ms) => sum + ms, 0) / pastMs.length)

/**
 * When each request of an order has its turn, from now: what runs is taken to last until its agreed end, and who is ahead
 * as long as leases lasted here on average, but not longer than it asks for. Undefined: nobody can tell.
 */
export function etasOf(
  order: readonly Ahead[],
  held: readonly Held[],
  meanMs: number | undefined,
): (number | undefined)[] {
  const freeInMs = new Map(held.map((one) => [one.device, one.freeInMs]))
  return order.map(({ devices, count, durationMs }) => {
    const known = devices
      .flatMap((device) => {
        const ms = freeInMs.get(device)
        return ms === undefined ? [] : [{ device, ms }]
      })
      .toSorted((a, b) => a.ms - b.ms)
      .slice(0, count)
    if (known.length < count) return undefined
    const etaMs = known.at(-1)!.ms
    const until = meanMs === undefined ? undefined : etaMs + Math.min(meanMs, durationMs)
    for (const { device } of known) freeInMs.set(device, until)
    return etaMs
  })
}

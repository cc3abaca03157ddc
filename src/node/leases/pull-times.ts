import { minutesMs } from '../../units.ts'

/** How long an image took to be there when a lease asked for it. */
export interface PastPull {
  readonly image: string
  /** The engine that it came to; undefined for the only one. */
  readonly engine: string | undefined
  readonly ms: number
}

/** What the first image of all is taken to need. */
const FIRST_PULL_MS = minutesMs(1)

/**
 * How long an image may take to be there, which a lease holds its devices beyond its time: as long as the last time on that
 * engine; one that never came there, as long as others did at most, on average.
 */
export function pullMsOf(
  { image, engine }: Omit<PastPull, 'ms'>,
  past: readonly PastPull[],
): number {
  const own = past.findLast((one) => one.image === image && one.engine === engine)
  if (own !== undefined) return own.ms
  const others = [...Map.groupBy(past, (one) => `${one.engine} ${one.image}`).values()]
  if (others.length === 0) return FIRST_PULL_MS
  const longest = others.map((pulls) => Math.max(...pulls.map(({ ms }) => ms)))
  return Math.round(longest.reduce((sum, ms) => sum + ms, 0) / longest.length)
}

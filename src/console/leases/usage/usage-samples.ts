import type { KeptUsage, LeaseUsage } from '../../../api/lease-usage.ts'

/** What a lease used when this page, or its node, heard of it; null where nothing is known. */
export interface Sample {
  /** By this machine's clock. */
  readonly atMs: number
  readonly usage: LeaseUsage | null
}

/** What is kept, and shown. */
export const KEPT_MS = 10 * 60_000
/** Two events further apart than this have a gap between them. */
const GAP_MS = 4000

/** With one more at the end; a silence before it becomes a gap, and what is older than ten minutes is dropped. */
export function withSample(
  samples: readonly Sample[],
  atMs: number,
  usage: LeaseUsage,
): readonly Sample[] {
  const last = samples.at(-1)
  const gap =
    last !== undefined && atMs - last.atMs > GAP_MS ? [{ atMs: last.atMs + 1, usage: null }] : []
  return [...samples.filter((one) => one.atMs > atMs - KEPT_MS), ...gap, { atMs, usage }]
}

/** What the node kept, by the clock of this machine. */
export function samplesOf(kept: KeptUsage, nowMs: number): readonly Sample[] {
  let samples: readonly Sample[] = []
  for (const { atMs, usage } of kept.items) {
    samples = withSample(samples, atMs + nowMs - kept.nowMs, usage)
  }
  return samples
}

type Figure = (usage: LeaseUsage) => number | null

/** One figure over time. */
export const valuesOf = (samples: readonly Sample[], figure: Figure): (number | null)[] =>
  samples.map(({ usage }) => (usage === null ? null : figure(usage)))

/** How fast a count grows, per second; null where it is not known, and where it began anew. */
export function rateOf(samples: readonly Sample[], count: Figure): (number | null)[] {
  return samples.map(({ usage }, i) => {
    const before = samples[i - 1]?.usage
    if (usage === null || before === null || before === undefined) return null
    const [now, then] = [count(usage), count(before)]
    const ms = usage.atMs - before.atMs
    return now === null || then === null || ms <= 0 || now < then
      ? null
      : (1000 * (now - then)) / ms
  })
}

/** The newest of a figure. */
export const newestOf = (values: readonly (number | null)[]): number | null => values.at(-1) ?? null

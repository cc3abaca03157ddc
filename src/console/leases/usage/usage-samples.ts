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
/** Node and page have one sample at about the same time. */
const SAME_MS = 500

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

/** With what the node kept in place of the same minutes; a node that was started anew knows less than its page. */
export function withKept(
  samples: readonly Sample[],
  kept: KeptUsage,
  nowMs: number,
): readonly Sample[] {
  const items = kept.items.map(({ atMs, usage }) => ({ atMs: atMs + nowMs - kept.nowMs, usage }))
  const firstMs = items[0]?.atMs ?? Number.POSITIVE_INFINITY
  let all: readonly Sample[] = samples.filter(({ atMs }) => atMs < firstMs - SAME_MS)
  for (const { atMs, usage } of items) all = withSample(all, atMs, usage)
  return all
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

import type { ScoringConstants } from './constants.ts'
import { lostTo } from './share-lost.ts'
import { clamp, type Figures, q6 } from './units.ts'

/** One idle ok slot of a GPU: what it is measured against while it is leased. */
export interface IdleSlot {
  readonly slot: number
  readonly units: number
  /** GB/s and TOPS. */
  readonly gbps: number
  readonly tops: number
}

/** Idle slots whose median a leased GPU is measured against (notes/scoring.md §4). */
export const REFERENCE_SLOTS = 8

/** Idle slots of two lists in order, each slot once; the second list's word counts. */
export function mergedIdle(a: readonly IdleSlot[], b: readonly IdleSlot[]): IdleSlot[] {
  const bySlot = new Map([...a, ...b].map((one) => [one.slot, one]))
  return [...bySlot.values()].toSorted((x, y) => x.slot - y.slot)
}

/** The newest of them, as many as a leased GPU is measured against. */
export const newestIdle = (a: readonly IdleSlot[], b: readonly IdleSlot[]): IdleSlot[] =>
  mergedIdle(a, b).slice(-REFERENCE_SLOTS)

/** The middle one of idle slots by their units, the upper of two; undefined of none. */
export const referenceOf = (idle: readonly IdleSlot[]): IdleSlot | undefined =>
  idle.toSorted((a, b) => a.units - b.units)[Math.floor(idle.length / 2)]

/** How much of LEASED_FACTOR is left so many days after the last idle slot, 1 to 0. */
export const freshness = (ageDays: number, c: ScoringConstants): number =>
  clamp((c.LEASED_DEAD_D - ageDays) / (c.LEASED_DEAD_D - c.LEASED_FRESH_D), 0, 1)

/**
 * Units of a GPU that proves beside its tenant: LEASED_FACTOR of its idle units, as far as it shows what it shows when
 * idle, measured against the duty cycle at which leased proofs work.
 *
 * The share that it shows is turned into what the same card, had it been idle under another name meanwhile, would have
 * lost by it: so a card never earns more by being several, some idle and some leased, than by being one.
 */
export function leasedUnits(
  reference: IdleSlot,
  { b, t }: Pick<Figures, 'b' | 't'>,
  ageDays: number,
  isProcessor: boolean,
  c: ScoringConstants,
): number {
  const throughput = t / reference.tops
  const share = clamp(isProcessor ? throughput : Math.min(b / reference.gbps, throughput), 0, 1)
  const kept = Math.min(1, lostTo(share, isProcessor, c) / lostTo(c.LEASED_DUTY, isProcessor, c))
  return q6(c.LEASED_FACTOR * reference.units * kept * freshness(ageDays, c))
}

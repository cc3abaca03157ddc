import type { ScoringConstants } from './constants.ts'
import { CPU_WEIGHTS, lostAtDuty, shareLost, type Weights } from './share-lost.ts'
import { clamp, type Figures, fedTops, q6 } from './units.ts'

/** One idle ok slot of a GPU: what it is measured against while it is leased. */
export interface IdleSlot {
  readonly slot: number
  readonly units: number
  /** GB/s and TOPS. */
  readonly gbps: number
  readonly tops: number
}

/** What a leased GPU showed, and the most that its small sizes could have shown in one slot (counts are capped). */
export interface Shown {
  readonly shown: Pick<Figures, 'b' | 't'>
  readonly most: Pick<Figures, 'b' | 't'>
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

const weightsOf = ({ gbps, tops }: IdleSlot, c: ScoringConstants): Weights =>
  tops <= fedTops(gbps, c)
    ? { b: c.EXP_B, t: c.EXP_T }
    : // Throughput that bandwidth does not feed is given away for nothing.
      { b: c.EXP_B + c.EXP_T, t: 0 }

/**
 * Units of a GPU that proves beside its tenant: LEASED_FACTOR of its idle units, as far as it shows what it shows when
 * idle, measured against the duty cycle at which leased proofs work.
 *
 * What is shown is turned into what the same card, had it been idle under another name meanwhile, would have lost by
 * it: so a card never earns more by being several, some idle and some leased, than by being one. Where the small sizes
 * cannot show all of a fast card, showing all they can counts as the smaller share that it is.
 */
export function leasedUnits(
  reference: IdleSlot,
  { shown, most }: Shown,
  ageDays: number,
  isCpu: boolean,
  c: ScoringConstants,
): number {
  const { gbps, tops } = reference
  const weights = isCpu ? CPU_WEIGHTS : weightsOf(reference, c)
  const [b, t] = [Math.min(1, most.b / gbps), Math.min(1, most.t / tops)]
  const throughput = shown.t / (t * tops)
  const done = clamp(isCpu ? throughput : Math.min(shown.b / (b * gbps), throughput), 0, 1)
  const kept = Math.min(1, shareLost(done * b, done * t, weights) / lostAtDuty(c, isCpu))
  return q6(c.LEASED_FACTOR * reference.units * kept * freshness(ageDays, c))
}

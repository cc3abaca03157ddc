import { gbPerSecondOf, topsOf } from '../../gpu/rates.ts'
import { GiB, hoursMs } from '../../units.ts'
import type { ScoringConstants } from './constants.ts'
import type { Evidence, GpuRef } from './evidence.ts'
import type { ScoredSlot } from './gpu-score.ts'
import { freshness, type IdleSlot, leasedUnits, referenceOf } from './leased.ts'
import type { SlotOutcome } from './slot-outcome.ts'
import { cpuUnits, type Figures, q6, uncapped, units, unitsReason } from './units.ts'

/**
 * Whether throughput alone is paid: of processors, and of every device where processors earn, for on such a network (a
 * local one) all prove with a processor's sizes, which say nothing of a GPU's memory.
 */
export const paidAsProcessor = ({ gpu }: GpuRef, c: ScoringConstants): boolean =>
  gpu.startsWith('cpu') || c.CPU_T_REF > 0

/** Whether a slot shows what a GPU can when it is free. */
export const isReference = ({ outcome, mode, units: worth }: ScoredSlot): boolean =>
  outcome === 'ok' && mode === 'idle' && worth > 0

/** A GPU in a slot, and what it showed in idle slots before. */
export interface GpuInSlot {
  readonly ref: GpuRef
  readonly slot: number
  readonly idle: readonly IdleSlot[]
}

/**
 * What a slot is worth (notes/scoring.md §4): idle, a GPU by memory, bandwidth and throughput, a processor by its
 * throughput alone; leased, by how much of its idle slots it still shows; nothing in an exclusive lease.
 */
export function slotUnits(
  gpu: GpuInSlot,
  found: SlotOutcome,
  evidence: Evidence,
  c: ScoringConstants,
): ScoredSlot {
  const { slot } = gpu
  const { outcome, reason, mode } = found
  const nothing = { slot, outcome, reason, mode, units: 0, gib: 0, gbps: 0, tops: 0 }
  if (mode === 'exclusive') return { ...nothing, ...missed(referenceOf(gpu.idle)?.units ?? 0) }
  if (outcome !== 'ok') return nothing
  const shown = figuresOf(found, evidence)
  const { v, b, t } = shown
  const figures = { slot, outcome, mode, gib: q6(v), gbps: q6(b), tops: q6(t) }
  if (mode === 'leased') return { ...figures, ...besideTenant(gpu, shown, evidence, c) }
  if (paidAsProcessor(gpu.ref, c)) {
    const worth = cpuUnits(t, c)
    return { ...figures, reason: worth > 0 ? reason : 'BELOW_MINIMUM', units: worth }
  }
  const worth = units(shown, c)
  return {
    ...figures,
    reason: unitsReason(shown, c),
    units: worth,
    ...missed(uncapped(shown, c) - worth),
  }
}

/** What a slot was not worth, as it is told. */
export const missed = (units: number): Pick<ScoredSlot, 'forgone'> => {
  const forgone = q6(units)
  return forgone > 0 ? { forgone } : {}
}

function figuresOf(
  { n, bytes, passes, steps, mode }: SlotOutcome,
  { windowMs, leasedWindowMs }: Evidence,
): Figures {
  const { residency, gemm } = (mode === 'leased' ? leasedWindowMs : undefined) ?? windowMs
  return {
    v: bytes / GiB,
    b: gbPerSecondOf(bytes, passes, residency),
    t: topsOf(n, steps, gemm),
  }
}

/**
 * Without an idle slot there is nothing to be measured against, and with an old one only part of it counts. A processor,
 * whose pay is its throughput alone, is then measured by what it shows.
 */
function besideTenant(
  { ref, slot, idle }: GpuInSlot,
  shown: Figures,
  { roundMs = 0 }: Evidence,
  c: ScoringConstants,
): Pick<ScoredSlot, 'units' | 'reason' | 'forgone'> {
  const isProcessor = paidAsProcessor(ref, c)
  const own = { slot, units: cpuUnits(shown.t, c), gbps: shown.b, tops: shown.t }
  const known = isProcessor && idle.length === 0 ? [own] : idle
  const [reference, newest] = [referenceOf(known), known.at(-1)]
  if (reference === undefined || newest === undefined) return { units: 0, reason: 'LEASED_STALE' }
  const ageDays = ((slot - newest.slot) * roundMs) / hoursMs(24)
  const worth = leasedUnits(reference, shown, ageDays, isProcessor, c)
  return {
    units: worth,
    reason: freshness(ageDays, c) < 1 ? 'LEASED_STALE' : 'LEASED',
    ...missed(reference.units - worth),
  }
}

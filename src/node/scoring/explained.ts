import type { ScoringConstants } from './constants.ts'
import type { Cause, ExplainedTerm, GpuScore, ScoredSlot, Term } from './gpu-score.ts'
import { type LeaseHours, leaseFactor } from './miner-weights.ts'
import { type RaiseFacts, raiseOf } from './raise.ts'
import type { ReasonCode } from './reason-codes.ts'
import { q6 } from './units.ts'

/** What the terms of one device came from. */
export interface ExplainedDevice extends Pick<GpuScore, 'ok' | 'failed' | 'unknown'> {
  readonly isProcessor: boolean
  readonly slots: readonly ScoredSlot[]
  readonly hours: LeaseHours
}

type Drafted = Pick<Cause, 'reason' | 'slots'> & {
  /** Its part of what the term costs, in any unit. */
  readonly part: number
}

/**
 * Terms with what each costs and what would raise it: a pure reading of what made them, so that both sides of a score
 * tell the same (notes/scoring.md §7).
 */
export function explained(
  terms: readonly Term[],
  device: ExplainedDevice,
  c: ScoringConstants,
): ExplainedTerm[] {
  const window = device.slots.filter((s) => s.outcome !== 'networkUnknown').slice(-c.WINDOW_SLOTS)
  const ok = window.filter((s) => s.outcome === 'ok')
  const rate = terms.find(({ name }) => name === 'rate')?.value ?? 1
  const excess = Math.max(0, device.unknown - Math.floor(c.UNKNOWN_MAX * window.length))
  const known = device.ok + device.failed + excess
  const facts: RaiseFacts = { known, ok, rate, isProcessor: device.isProcessor }
  return terms.map((term) => {
    const others = terms.filter((one) => one !== term).reduce((all, { value }) => all * value, 1)
    const lost = q6(others * missingOf(term, ok))
    const drafts = causesOf(term, { window, ok, excess, hours: device.hours }, c)
    const whole = drafts.reduce((sum, { part }) => sum + part, 0)
    const causes = drafts.map(({ reason, slots, part }) => ({
      ...{ reason, slots, lost: whole > 0 ? q6((lost * part) / whole) : 0 },
      ...raiseOf(reason, facts, c),
    }))
    return { ...term, lost, causes }
  })
}

/** How much more a term might be: shares up to 1, units up to what the slots were worth but for their reasons. */
function missingOf({ name, value }: Term, ok: readonly ScoredSlot[]): number {
  if (name !== 'units') return Math.max(0, 1 - value)
  return ok.reduce((sum, { forgone = 0 }) => sum + forgone, 0) / Math.max(1, ok.length)
}

/** What causes are counted over. */
interface Counted {
  readonly window: readonly ScoredSlot[]
  readonly ok: readonly ScoredSlot[]
  /** Unknown slots that count as failed. */
  readonly excess: number
  readonly hours: LeaseHours
}

function causesOf(
  { name, value, reason }: Term,
  { window, ok, excess, hours }: Counted,
  c: ScoringConstants,
): Drafted[] {
  const slots = window.length
  if (reason === 'NO_EVIDENCE') return [{ reason, slots, part: 0 }]
  if (name === 'units') {
    const reasons = ofReasons(ok, ({ forgone = 0 }) => forgone)
    return reasons.filter((one) => one.reason !== 'OK' || value < 1)
  }
  if (name === 'reliability') {
    const failed = window.filter((s) => s.outcome === 'failed')
    const unheard: Drafted = { reason: 'UNKNOWN_EXCESS', slots: excess, part: excess }
    return [...ofReasons(failed, () => 1), ...(excess > 0 ? [unheard] : [])]
  }
  if (name === 'leases') {
    return leaseFactor(hours, c) < 1 ? [{ reason: 'LEASE_FAILED', slots: 0, part: 1 }] : []
  }
  return value < 1 ? [{ reason, slots, part: 1 }] : []
}

/** The reasons of some slots, the most frequent first. */
const ofReasons = (slots: readonly ScoredSlot[], part: (slot: ScoredSlot) => number): Drafted[] =>
  [...Map.groupBy(slots, (slot): ReasonCode => slot.reason)]
    .map(([reason, own]) => ({
      reason,
      slots: own.length,
      part: own.reduce((sum, slot) => sum + part(slot), 0),
    }))
    .toSorted((a, b) => b.slots - a.slots || (a.reason < b.reason ? -1 : 1))

import type { ProofMode } from '../../gpu/proof-mode.ts'
import type { ScoringConstants } from './constants.ts'
import type { ReasonCode } from './reason-codes.ts'
import type { Outcome } from './slot-outcome.ts'
import { q6 } from './units.ts'
import type { IgnoredWord } from './weigh-valid.ts'

/** One slot of a GPU as it counts. */
export interface ScoredSlot {
  readonly slot: number
  readonly outcome: Outcome
  /** How the GPU took part; idle where that is not known. */
  readonly mode: ProofMode
  readonly units: number
  /** Measured memory, its bandwidth and integer throughput; 0 unless ok. */
  readonly gib: number
  readonly gbps: number
  readonly tops: number
  /** Units that it would be worth beside `units` but for its reason; absent where none. */
  readonly forgone?: number
  /** Mean time of a hop of its locality chain, where that was found VALID: told, and nothing rests on it. */
  readonly nsPerHop?: number
  readonly reason: ReasonCode
  /** VALIDs of it that did not count, and why; absent without any. */
  readonly ignored?: readonly IgnoredWord[]
}

/** One factor of a score, and why it is what it is. */
export interface Term {
  readonly name: 'units' | 'reliability' | 'ramp' | 'rate' | 'leases'
  readonly value: number
  readonly reason: ReasonCode
  /** The sum in words, e.g. `30 ok of 32 known slots, squared`. */
  readonly detail: string
}

/** A term with everything that keeps it from being more (notes/scoring.md §7). */
export interface ExplainedTerm extends Term {
  /** Rated units that it costs: how much more the score were if nothing did, the other terms as they are. */
  readonly lost: number
  readonly causes: readonly Cause[]
}

/** One reason why a term is what it is. */
export interface Cause {
  readonly reason: ReasonCode
  /** Slots that have it. */
  readonly slots: number
  /** Its part of what the term costs, rated units. */
  readonly lost: number
  /** The constants that it rests on. */
  readonly constants: Partial<ScoringConstants>
  /** What would raise the term, or that nothing does. */
  readonly raise: string
}

export interface GpuScore {
  /** The product of its terms, rounded to a millionth. */
  readonly score: number
  readonly terms: readonly Term[]
  readonly ok: number
  readonly failed: number
  readonly unknown: number
}

/**
 * Units of a GPU over the window, times how reliably it showed them (notes/scoring.md §5):
 * `Σu / max(known, RAMP_SLOTS) · (ok/known)^(RELIABILITY_EXP−1)`, written as a product of terms.
 */
export function gpuScore(slots: readonly ScoredSlot[], c: ScoringConstants): GpuScore {
  // What the network failed to observe takes no place of the window.
  const window = slots.filter((s) => s.outcome !== 'networkUnknown').slice(-c.WINDOW_SLOTS)
  const count = (outcome: Outcome): number => window.filter((s) => s.outcome === outcome).length
  const [ok, failed, unknown] = [count('ok'), count('failed'), count('unknown')]
  const allowed = Math.floor(c.UNKNOWN_MAX * (ok + failed + unknown))
  const excess = Math.max(0, unknown - allowed)
  const known = ok + failed + excess
  const counts = { ok, failed, unknown }
  if (known === 0) return { score: 0, terms: [noEvidence], ...counts }
  const sum = window.reduce((total, s) => total + (s.outcome === 'ok' ? s.units : 0), 0)
  const terms: Term[] = [
    unitsTerm(window, sum, ok),
    {
      name: 'reliability',
      value: (ok / known) ** c.RELIABILITY_EXP,
      reason: excess > 0 ? 'UNKNOWN_EXCESS' : (commonest(window, 'failed') ?? 'OK'),
      detail: `${ok} ok of ${known} known slots, to the power of ${c.RELIABILITY_EXP}`,
    },
    {
      name: 'ramp',
      value: known / Math.max(known, c.RAMP_SLOTS),
      reason: known < c.RAMP_SLOTS ? 'RAMPING' : 'OK',
      detail: `${known} known slots of ${c.RAMP_SLOTS} to earn in full`,
    },
  ]
  return { score: product(terms), terms, ...counts }
}

function unitsTerm(window: readonly ScoredSlot[], sum: number, ok: number): Term {
  const reason = commonest(window, 'ok') ?? 'OK'
  const oks = window.filter((s) => s.outcome === 'ok')
  const figure = (name: 'gib' | 'gbps' | 'tops'): number => q6(median(oks.map((s) => s[name])))
  const shown = `median ${figure('gib')} GiB, ${figure('gbps')} GB/s, ${figure('tops')} TOPS`
  const unit = 'an H100 is 1, on a local network its unit processor'
  const modes = (['leased', 'exclusive'] as const).flatMap((mode) => {
    const count = oks.filter((s) => s.mode === mode).length
    return count === 0 ? [] : `, ${count} of them ${mode}`
  })
  const offers = (['NO_OFFER', 'OFFER_TOO_DEAR'] as const).flatMap((fault) => {
    const count = oks.filter((s) => s.reason === fault).length
    return count === 0 ? [] : `, ${count} of them worth nothing ${offerFaults[fault]}`
  })
  const counted = `${ok} ok slots${modes.join('')}${offers.join('')}`
  const detail = `mean of ${counted}${ok === 0 ? '' : ` (${shown})`}; ${unit}`
  return { name: 'units', value: ok === 0 ? 0 : sum / ok, reason, detail }
}

const offerFaults = {
  NO_OFFER: 'without a live offer',
  OFFER_TOO_DEAR: 'at a price above PRICE_CAP',
} as const

/** The middle one of some numbers, the upper of two; 0 of none. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const noEvidence: Term = {
  name: 'units',
  value: 0,
  reason: 'NO_EVIDENCE',
  detail: 'no slot of the window has an outcome',
}

/** The product of terms, rounded to a millionth: what `--explain` shows is what is paid. */
export const product = (terms: readonly Pick<Term, 'value'>[]): number =>
  q6(terms.reduce((total, { value }) => total * value, 1))

/** The reason that most slots of an outcome have. */
function commonest(window: readonly ScoredSlot[], outcome: Outcome): ReasonCode | undefined {
  const byReason = Map.groupBy(
    window.filter((s) => s.outcome === outcome),
    (s) => s.reason,
  )
  return [...byReason].toSorted(([, a], [, b]) => b.length - a.length)[0]?.[0]
}

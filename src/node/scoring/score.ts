import { constantsHash, type ScoringConstants } from './constants.ts'
import { type Evidence, type GpuRef, gpuKey } from './evidence.ts'
import { explained } from './explained.ts'
import {
  type ExplainedTerm,
  type GpuScore,
  gpuScore,
  product,
  type ScoredSlot,
  type Term,
} from './gpu-score.ts'
import { type History, historiesOf } from './histories.ts'
import { leaseFactor, minerWeights } from './miner-weights.ts'
import type { ReasonCode } from './reason-codes.ts'
import { windowOf } from './scoring-window.ts'
import { paidAsProcessor } from './slot-units.ts'
import { clamp, q6, rate } from './units.ts'
import type { IgnoredWord } from './weigh-valid.ts'

export interface ScoredGpu extends GpuRef, Omit<GpuScore, 'score' | 'terms'> {
  readonly terms: readonly ExplainedTerm[]
  /** The product of `terms`: rated units. */
  readonly score: number
  readonly slots: readonly ScoredSlot[]
}

export interface MinerScore {
  readonly hotkey: string
  /** Rated units, the sum over its GPUs. */
  readonly score: number
  /** What it gets of the division: the score and its bonus; 0 for an unregistered hotkey. */
  readonly weight: number
  /** Share of its known slots that were ok. */
  readonly reliability: number
  readonly reason: ReasonCode
  readonly gpus: readonly ScoredGpu[]
}

export interface ScoreReport {
  readonly constantsHash: string
  readonly slots: number
  /** First and last slot of the window; 0 without any. */
  readonly from: number
  readonly to: number
  /** By hotkey in hex, in order. */
  readonly miners: ReadonlyMap<string, MinerScore>
  /** Weight for the owner's uid, to be burned. */
  readonly burn: number
  /** Validators of whose testimony in a slot of the window something was left out, and why. */
  readonly ignored: readonly (IgnoredWord & { readonly slot: number })[]
}

/** Scores of all miners: deterministic, and the same whatever the order of the evidence. */
export function score(evidence: Evidence, constants: ScoringConstants): ScoreReport {
  const slots = windowOf(evidence, constants)
  const gpus = historiesOf({ ...evidence, slots }, constants)
    .map((history) => scoredGpu(history, evidence, constants))
    .toSorted((a, b) => (gpuKey(a) < gpuKey(b) ? -1 : 1))
  const byHotkey = Map.groupBy(gpus, ({ hotkey }) => hotkey)
  const rated = new Map(
    [...byHotkey].map(([hotkey, own]) => [hotkey, q6(own.reduce((sum, g) => sum + g.score, 0))]),
  )
  const counts = (hotkey: string): boolean => evidence.registered?.has(hotkey) ?? true
  const division = minerWeights(
    new Map(
      [...rated]
        .filter(([hotkey]) => counts(hotkey))
        .map(([hotkey, sum]) => [
          hotkey,
          { rated: sum, burned: evidence.burned?.get(hotkey) ?? 0 },
        ]),
    ),
    evidence.emission ?? 1,
    constants,
  )
  const miners = new Map(
    [...byHotkey].map(([hotkey, own]) => [
      hotkey,
      {
        hotkey,
        score: rated.get(hotkey) ?? 0,
        weight: division.weights.get(hotkey) ?? 0,
        reliability: reliabilityOf(own),
        reason: counts(hotkey) ? mainReason(own) : ('UNREGISTERED' as const),
        gpus: own,
      },
    ]),
  )
  return {
    constantsHash: constantsHash(constants),
    slots: slots.length,
    from: slots[0]?.slot ?? 0,
    to: slots.at(-1)?.slot ?? 0,
    miners,
    burn: division.burn,
    ignored: slots.flatMap(({ slot, ignored = [] }) => ignored.map((one) => ({ slot, ...one }))),
  }
}

const PAID_AS_PROCESSOR = 'this network pays every device as a processor, in full'

function scoredGpu(
  { ref, scored: slots }: History,
  evidence: Evidence,
  c: ScoringConstants,
): ScoredGpu {
  const { terms: own, score: _, ...counts } = gpuScore(slots, c)
  const hours = evidence.leases?.get(ref.hotkey) ?? { failedPaidHours: 0, gpuHours: 0 }
  const leases = leaseFactor(hours, c)
  const isProcessor = paidAsProcessor(ref, c)
  const terms: Term[] = [
    ...own,
    isProcessor
      ? {
          name: 'rate',
          value: 1,
          reason: 'OK',
          detail: ref.gpu.startsWith('cpu') ? 'a processor is paid in full' : PAID_AS_PROCESSOR,
        }
      : {
          name: 'rate',
          value: rate(0, false, c),
          reason: 'NOT_LOCAL',
          detail: 'locality of memory is not proven on this network',
        },
    {
      name: 'leases',
      value: leases,
      reason: leases < 1 ? 'LEASE_FAILED' : 'OK',
      detail: `${hours.failedPaidHours} paid hours failed of ${hours.gpuHours}`,
    },
  ]
  const about = { isProcessor, ...counts, slots, hours }
  return { ...ref, ...counts, terms: explained(terms, about, c), slots, score: product(terms) }
}

function reliabilityOf(gpus: readonly ScoredGpu[]): number {
  const [ok, failed] = [sumOf(gpus, 'ok'), sumOf(gpus, 'failed')]
  return ok + failed === 0 ? 0 : clamp(q6(ok / (ok + failed)), 0, 1)
}

const sumOf = (gpus: readonly ScoredGpu[], name: 'ok' | 'failed'): number =>
  gpus.reduce((sum, gpu) => sum + gpu[name], 0)

/** The first term that costs something says why. */
function mainReason(gpus: readonly ScoredGpu[]): ReasonCode {
  const terms = gpus.flatMap((gpu) => gpu.terms)
  return terms.find(({ reason }) => reason !== 'OK')?.reason ?? 'OK'
}

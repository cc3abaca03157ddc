import { nsPerHopOf } from '../../gpu/rates.ts'
import { decides, stakeOf } from './agree.ts'
import { constantsHash, type ScoringConstants } from './constants.ts'
import { type Evidence, type GpuRef, gpuKey, type SlotEvidence } from './evidence.ts'
import { explained } from './explained.ts'
import { createGpuNumbers } from './gpu-numbers.ts'
import {
  type ExplainedTerm,
  type GpuScore,
  gpuScore,
  product,
  type ScoredSlot,
  type Term,
} from './gpu-score.ts'
import { wordsOn } from './gpu-words.ts'
import { type Heard, heardFrom } from './heard.ts'
import {
  asWord,
  checkpointsOf,
  heardTooFew,
  isSeen,
  offersOf,
  outcomeOf,
  type SaidOfGpu,
} from './heard-slot.ts'
import { type IdleSlot, newestIdle, REFERENCE_SLOTS } from './leased.ts'
import { leaseFactor, minerWeights } from './miner-weights.ts'
import { offerFault } from './offered.ts'
import type { ReasonCode } from './reason-codes.ts'
import { isCpu, isReference, missed, slotUnits } from './slot-units.ts'
import { indexProofs } from './suspension.ts'
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
  const gpus = outcomesOf({ ...evidence, slots }, constants)
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

/**
 * The newest WINDOW_SLOTS slots that more than KAPPA of active stake speaks of, and as many of what else was named since:
 * whoever names slots that never were cannot push out those that were.
 */
function windowOf(evidence: Evidence, c: ScoringConstants): SlotEvidence[] {
  const stakes = stakesOf(evidence)
  const active = totalOf(stakes)
  const speaking = ({ testimony }: SlotEvidence): bigint =>
    testimony.reduce((sum, { validator }) => sum + (stakes.get(validator) ?? 0n), 0n)
  const sorted = evidence.slots.toSorted((a, b) => a.slot - b.slot)
  const isHeard = (slot: SlotEvidence): boolean => decides(speaking(slot), active, c.KAPPA)
  const { heard = [], others = [] } = Object.groupBy(sorted, (slot) =>
    isHeard(slot) ? 'heard' : 'others',
  )
  const from = heard.at(-c.WINDOW_SLOTS)?.slot ?? 0
  const window = [
    ...heard.slice(-c.WINDOW_SLOTS),
    ...others.filter(({ slot }) => slot > from).slice(-c.WINDOW_SLOTS),
  ]
  return window.toSorted((a, b) => a.slot - b.slot)
}

const stakesOf = ({ validators }: Evidence): ReadonlyMap<string, bigint> =>
  new Map(validators.map(({ validator, stake }) => [validator, stake]))
const totalOf = (stakes: ReadonlyMap<string, bigint>): bigint =>
  [...stakes.values()].reduce((sum, stake) => sum + stake, 0n)

interface History {
  readonly ref: GpuRef
  readonly scored: ScoredSlot[]
  /** The newest idle ok slots so far. */
  idle: readonly IdleSlot[]
}

/** The outcomes of every GPU, slot by slot, from the first slot of the window that saw it. */
function outcomesOf(evidence: Evidence, c: ScoringConstants): History[] {
  const stakes = stakesOf(evidence)
  const active = totalOf(stakes)
  const numbers = createGpuNumbers()
  const histories = new Map<number, History>()
  const proofs = indexProofs(evidence.proofs, c)
  const first = evidence.slots[0]?.slot ?? 0
  const countsFrom = (hotkey: string): number =>
    evidence.registered?.get(hotkey) ?? Number.NEGATIVE_INFINITY
  const before = (ref: GpuRef): IdleSlot[] =>
    (evidence.idleBefore?.get(gpuKey(ref)) ?? []).filter(
      ({ slot }) => slot < first && slot >= countsFrom(ref.hotkey),
    )
  let wasOk: ReadonlySet<number> = new Set()
  for (const { slot, openPulse, testimony } of evidence.slots) {
    const heard: Heard[] = []
    for (const spoken of testimony) {
      const stake = stakes.get(spoken.validator) ?? 0n
      if (stake <= 0n) continue
      const one = heardFrom(spoken, stake, numbers)
      if (!heardTooFew(one, wasOk)) heard.push(one)
    }
    const words = wordsOn(numbers.refs.length, heard)
    // With too little stake listening nothing can be so: the slot tells nothing about anybody.
    const covered = decides(stakeOf(heard.map(asWord)), active, c.KAPPA)
    if (covered) {
      for (const [number, ref] of numbers.refs.entries()) {
        if (histories.has(number) || slot < countsFrom(ref.hotkey)) continue
        if (!isSeen(words[number]!, active, c)) continue
        histories.set(number, { ref, scored: [], idle: newestIdle(before(ref), []) })
      }
    }
    const outcomes = [...histories].map(([number, history]) => {
      const said = { ref: history.ref, number, heard, words: words[number]! }
      const proof = proofs.against(slot, history.ref.miner, history.ref.gpu)
      // A proof needs nobody's word.
      const known = covered || proof !== undefined
      const found = known ? outcomeOf(said, { openPulse, proof }, active, evidence, c) : uncovered
      return { number, history, said, found }
    })
    const unknown = outcomes.filter(({ found }) => found.outcome === 'unknown').length
    const networkFault = unknown * 2 > outcomes.length
    for (const { history, said, found } of outcomes) {
      const judged =
        found.outcome === 'unknown' && networkFault
          ? { ...found, outcome: 'networkUnknown' as const, reason: 'NETWORK_UNKNOWN' as const }
          : found
      const { miner, gpu } = history.ref
      const suspended = proofs.isSuspended(slot, miner, gpu)
      const worth = slotUnits({ ...history, slot }, judged, evidence, c)
      const offered = asOffered(worth, said, active, c)
      const hops =
        judged.outcome === 'ok' ? hopFigure(checkpointsOf(said, active, c), evidence) : {}
      const ignored = found.ignored.length === 0 ? {} : { ignored: found.ignored }
      history.scored.push({
        slot,
        ...(suspended ? withoutUnits(worth) : offered),
        ...hops,
        ...ignored,
      })
      const shown = { slot, ...worth }
      if (isReference(shown)) history.idle = [...history.idle, shown].slice(-REFERENCE_SLOTS)
    }
    wasOk = new Set(
      outcomes.filter(({ found }) => found.outcome === 'ok').map(({ number }) => number),
    )
  }
  return [...histories.values()]
}

/** The mean time of a hop, where there were any. */
function hopFigure(checkpoints: number, { locality }: Evidence): Pick<ScoredSlot, 'nsPerHop'> {
  if (checkpoints === 0 || locality === undefined) return {}
  return { nsPerHop: q6(nsPerHopOf(checkpoints, locality.hops, locality.windowMs)) }
}

/** Too little stake listened. */
const uncovered: ReturnType<typeof outcomeOf> = {
  ignored: [],
  outcome: 'networkUnknown',
  reason: 'LOW_COVERAGE',
  passes: 0,
  steps: 0,
  n: 0,
  bytes: 0,
  mode: 'idle',
}

/** An idle GPU that nobody can rent, or only too dear, shows what it can and earns nothing. */
function asOffered(
  worth: Omit<ScoredSlot, 'slot'>,
  said: SaidOfGpu,
  active: bigint,
  c: ScoringConstants,
): Omit<ScoredSlot, 'slot'> {
  if (worth.outcome !== 'ok' || worth.mode !== 'idle' || worth.units === 0) return worth
  const rated = worth.units * (isCpu(said.ref) ? 1 : rate(worth.gib, false, c))
  const reason = offerFault(offersOf(said), rated, active, c)
  return reason === undefined ? worth : { ...worth, units: 0, reason, ...missed(worth.units) }
}

/** A suspended GPU is as reliable as it shows, and earns nothing. */
const withoutUnits = (slot: Omit<ScoredSlot, 'slot'>): Omit<ScoredSlot, 'slot'> =>
  slot.outcome === 'ok' ? { ...slot, units: 0, reason: 'SUSPENDED', ...missed(slot.units) } : slot

function scoredGpu(
  { ref, scored: slots }: Pick<History, 'ref' | 'scored'>,
  evidence: Evidence,
  c: ScoringConstants,
): ScoredGpu {
  const { terms: own, score: _, ...counts } = gpuScore(slots, c)
  const hours = evidence.leases?.get(ref.hotkey) ?? { failedPaidHours: 0, gpuHours: 0 }
  const leases = leaseFactor(hours, c)
  const terms: Term[] = [
    ...own,
    isCpu(ref)
      ? { name: 'rate', value: 1, reason: 'OK', detail: 'a processor is paid in full' }
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
  const about = { isCpu: isCpu(ref), ...counts, slots, hours }
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

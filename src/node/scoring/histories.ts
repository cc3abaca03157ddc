import { decides, stakeOf } from './agree.ts'
import { type Capacity, isMost, larger, type Shown, shownBy } from './capacity.ts'
import type { ScoringConstants } from './constants.ts'
import { type Evidence, type GpuRef, gpuKey, type SlotEvidence } from './evidence.ts'
import type { ScoredSlot } from './gpu-score.ts'
import { asWord, isSeen, outcomeOf, type SaidOfGpu } from './heard-slot.ts'
import { type IdleSlot, newestIdle, REFERENCE_SLOTS } from './leased.ts'
import { createListener, type Listened } from './listener.ts'
import { scoredSlot } from './scored-slot.ts'
import { stakesOf, totalOf } from './scoring-window.ts'
import { isReference, slotUnits } from './slot-units.ts'
import { indexProofs, type ProofIndex } from './suspension.ts'

/** One GPU over the window, from the first slot that saw it. */
export interface History {
  readonly ref: GpuRef
  readonly scored: readonly ScoredSlot[]
}

/** The same while slots are added. */
interface Growing {
  readonly ref: GpuRef
  readonly number: number
  readonly scored: ScoredSlot[]
  /** The newest idle ok slots so far. */
  readonly idle: IdleSlot[]
}

/** A GPU's slot while it is judged. */
interface Judging {
  readonly history: Growing
  readonly said: SaidOfGpu
  readonly found: ReturnType<typeof outcomeOf>
}

/** The outcomes of every GPU, slot by slot, from the first slot of the window that saw it. */
export function historiesOf(evidence: Evidence, c: ScoringConstants): History[] {
  const stakes = stakesOf(evidence)
  const active = totalOf(stakes)
  const listener = createListener(stakes)
  const proofs = indexProofs(evidence.proofs, c)
  const histories: Growing[] = []
  const isKnown: true[] = []
  let before: Capacity = []
  let largest: Capacity = []
  for (const { slot, openPulse, testimony } of evidence.slots) {
    const listened = listener.hear(testimony, before)
    // With too little stake listening nothing can be so: the slot tells nothing about anybody.
    const covered = decides(stakeOf(listened.heard.map(asWord)), active, c.KAPPA)
    if (covered) {
      listener.refs.forEach((ref, number) => {
        if (isKnown[number] || slot < countsFrom(ref, evidence)) return
        if (!isSeen(listened.words[number]!, active, c)) return
        isKnown[number] = true
        histories.push({ ref, number, scored: [], idle: idleBefore(ref, evidence) })
      })
    }
    const outcomes = histories.map((history): Judging => {
      const said = saidOf(history, listened)
      const proof = proofs.against(slot, history.ref.miner, history.ref.gpu)
      // A proof needs nobody's word.
      const known = covered || proof !== undefined
      const found = known ? outcomeOf(said, { openPulse, proof }, active, evidence, c) : uncovered
      return { history, said, found }
    })
    const isFault = isNetworkFault(outcomes, largest)
    before = addSlot(slot, outcomes, { isFault, proofs, active, evidence }, c)
    largest = larger(largest, before)
  }
  return histories
}

const countsFrom = ({ hotkey }: GpuRef, { registered }: Evidence): number =>
  registered?.get(hotkey) ?? Number.NEGATIVE_INFINITY

/** Idle slots that are known of a GPU from before the window. */
function idleBefore(ref: GpuRef, evidence: Evidence): IdleSlot[] {
  const first = evidence.slots[0]?.slot ?? 0
  const from = countsFrom(ref, evidence)
  const known = evidence.idleBefore?.get(gpuKey(ref)) ?? []
  return newestIdle(
    known.filter(({ slot }) => slot < first && slot >= from),
    [],
  )
}

const saidOf = ({ ref, number }: Growing, { heard, words }: Listened): SaidOfGpu => ({
  ref,
  number,
  heard,
  words: words[number]!,
})

/**
 * Whether the checkers failed in a slot: most of the largest capacity that one slot of the window showed so far is
 * unknown. notes/scoring.md §3 counts GPUs; but names of one card that answer in turn are then most GPUs of a network for
 * nothing, and half of the stake, by its silence, had each paid as if it answered always (docs/scoring.md). Before
 * anything was shown there is nothing but their number.
 */
function isNetworkFault(outcomes: readonly Judging[], largest: Capacity): boolean {
  const unknown = outcomes.filter(({ found }) => found.outcome === 'unknown')
  if (unknown.length === 0) return false
  const numbers = new Set(unknown.map(({ history }) => history.number))
  return isMost(largest, (number) => numbers.has(number)) ?? unknown.length * 2 > outcomes.length
}

/** Adds what a slot is worth to every GPU, once the outcomes of all are known; gives what they showed. */
function addSlot(
  slot: SlotEvidence['slot'],
  outcomes: readonly Judging[],
  by: {
    /** Whether unknown outcomes are nobody's fault. */
    readonly isFault: boolean
    readonly proofs: ProofIndex
    readonly active: bigint
    readonly evidence: Evidence
  },
  c: ScoringConstants,
): Capacity {
  const shown: Shown[] = []
  for (const { history, said, found } of outcomes) {
    const judged =
      found.outcome === 'unknown' && by.isFault
        ? { ...found, outcome: 'networkUnknown' as const, reason: 'NETWORK_UNKNOWN' as const }
        : found
    const { ref, idle, scored } = history
    const worth = slotUnits({ ref, slot, idle }, judged, by.evidence, c)
    const isSuspended = by.proofs.isSuspended(slot, ref.miner, ref.gpu)
    scored.push(scoredSlot(worth, { said, ignored: found.ignored, isSuspended, ...by }, c))
    if (worth.units > 0) shown.push(shownBy(history.number, worth.units))
    if (!isReference(worth)) continue
    idle.push(worth)
    if (idle.length > REFERENCE_SLOTS) idle.shift()
  }
  return shown
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

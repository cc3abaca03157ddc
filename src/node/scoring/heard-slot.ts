import { drawVerifiers } from '../../gpu/draw-verifiers.ts'
import { agree, decides, stakeOf, type Word } from './agree.ts'
import { type Capacity, isMost } from './capacity.ts'
import type { ScoringConstants } from './constants.ts'
import type { Evidence, GpuRef, SlotEvidence } from './evidence.ts'
import type { GpuWord } from './gpu-words.ts'
import type { Heard } from './heard.ts'
import type { ReasonCode } from './reason-codes.ts'
import { type Counts, type SeenOffer, type SlotOutcome, slotOutcome } from './slot-outcome.ts'
import { type IgnoredWord, type Vouching, type WeighedValid, weighValid } from './weigh-valid.ts'

/** One validator's word, whatever it says. */
export const asWord = ({ validator, stake }: Heard): Word<string> => ({ stake, value: validator })

/** Of fewer GPUs than this, half may well be silent by themselves: a lone miner's silence is its own. */
const ABSTAIN_FROM = 4

/** A validator that did not hear most of what GPUs showed just before had a fault of its own: it abstains. */
export function heardTooFew({ rows }: Heard, before: Capacity): boolean {
  if (before.length < ABSTAIN_FROM) return false
  return isMost(before, (number) => !isHeard(rows[number])) === true
}

const isHeard = (row: Counts | undefined): boolean =>
  row !== undefined && (row.steps > 0 || row.passes > 0 || row.mode === 'exclusive')

/** Whether more than KAPPA of active stake speaks of a GPU; a minority's inventions do not exist. */
export const isSeen = (words: readonly GpuWord[], active: bigint, c: ScoringConstants): boolean =>
  decides(stakeOf(told(words, ({ row }) => row)), active, c.KAPPA)

/** One GPU in one slot: who it is, and all that was said of it. */
export interface SaidOfGpu {
  readonly ref: GpuRef
  readonly number: number
  readonly heard: readonly Heard[]
  readonly words: readonly GpuWord[]
}

/** The outcome of one GPU in one slot, from all that was heard. */
export function outcomeOf(
  { ref, number, heard, words }: SaidOfGpu,
  {
    openPulse,
    proof,
  }: Pick<SlotEvidence, 'openPulse'> & { readonly proof: ReasonCode | undefined },
  active: bigint,
  evidence: Evidence,
  c: ScoringConstants,
): SlotOutcome & { readonly ignored: readonly IgnoredWord[] } {
  const vouched = words.map((word) => ({ stake: word.stake, value: vouchingOf(word) }))
  const { ignored, doubt } = weighValid(vouched, active, c.KAPPA)
  const left = (i: number): boolean => ignored.has(vouched[i]!.value)
  const said = {
    reports: told(words, ({ row }) => row),
    verdicts: told(words, ({ verdict }, i) => (left(i) ? undefined : verdict?.verdict)),
    drawn: () => {
      if (openPulse === undefined) return undefined
      const seats = seatsOf(ref, openPulse, evidence)
      const ids = new Set(seats.map(({ validator }) => validator))
      const isLeft = new Set(ignoredOf(number, heard, ignored).map(({ validator }) => validator))
      return {
        stake: stakeOf(seats.map(({ stake }) => ({ stake, value: undefined }))),
        verdicts: heard
          .filter(({ validator }) => ids.has(validator) && !isLeft.has(validator))
          .flatMap(({ verdicts, stake }) => {
            const value = verdicts[number]?.verdict
            return value === undefined ? [] : [{ stake, value }]
          }),
      }
    },
    doubt,
    proof,
  }
  return {
    ...slotOutcome(said, active, c.KAPPA, evidence.measured),
    ignored: ignoredOf(number, heard, ignored),
  }
}

/** Who said what does not count. */
function ignoredOf(
  number: number,
  heard: readonly Heard[],
  ignored: WeighedValid['ignored'],
): IgnoredWord[] {
  if (ignored.size === 0) return []
  const reasons = new Map([...ignored].map(([said, reason]) => [textOf(said), reason]))
  return heard.flatMap(({ validator, rows, verdicts }) => {
    const said = vouchingOf({ row: rows[number], verdict: verdicts[number] })
    const reason = reasons.get(textOf(said))
    return reason === undefined ? [] : [{ validator, reason }]
  })
}

const textOf = ({ verdict, heads, reported, falseWitness }: Vouching): string =>
  JSON.stringify([verdict ?? null, heads ?? null, reported ?? null, falseWitness])

/** What was said of a GPU, as far as it bears on a VALID. */
const vouchingOf = ({ row, verdict }: Pick<GpuWord, 'row' | 'verdict'>): Vouching => ({
  verdict: verdict?.verdict,
  heads: verdict?.heads,
  reported: row?.heads,
  falseWitness: verdict?.falseWitness ?? false,
})

/** Checkpoints of a locality chain as agreed, where somebody found it VALID; 0 otherwise. Only told, never scored. */
export function checkpointsOf({ words }: SaidOfGpu, active: bigint, c: ScoringConstants): number {
  if (!words.some(({ verdict }) => verdict?.locality === 'VALID')) return 0
  const agreed = agree(
    told(words, ({ row }) => row?.checkpoints),
    active,
    c.KAPPA,
  )
  return agreed.outcome === 'ok' ? agreed.count : 0
}

/** What was seen offered of a GPU. */
export const offersOf = ({ words }: SaidOfGpu): Word<SeenOffer | null>[] =>
  told(words, ({ row }) => row?.offer)

/** The validators that were drawn to check a GPU. */
function seatsOf(
  { miner, gpu }: GpuRef,
  openPulse: NonNullable<SlotEvidence['openPulse']>,
  { validators }: Evidence,
): Evidence['validators'] {
  const voters = validators.map(({ validator, stake }) => ({ id: validator, stake }))
  const drawn = drawVerifiers(openPulse, { peerId: miner, gpuId: gpu }, distinct(voters))
  const seated = validators.filter(({ validator }) => drawn.has(validator))
  return [...new Map(seated.map((one) => [one.validator, one])).values()]
}

const distinct = <T extends { readonly id: string }>(all: readonly T[]): T[] => [
  ...new Map(all.map((one) => [one.id, one])).values(),
]

/** What words tell of one thing; those that do not tell it are left out. */
function told<T>(
  words: readonly GpuWord[],
  of: (word: GpuWord, index: number) => T | undefined,
): Word<T>[] {
  const all: Word<T>[] = []
  words.forEach((word, i) => {
    const value = of(word, i)
    if (value !== undefined) all.push({ stake: word.stake, value })
  })
  return all
}

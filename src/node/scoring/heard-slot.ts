import { drawVerifiers } from '../../gpu/draw-verifiers.ts'
import { agree, decides, stakeOf, type Word } from './agree.ts'
import type { ScoringConstants } from './constants.ts'
import {
  type Evidence,
  type GpuRef,
  gpuKey,
  type SlotEvidence,
  type Testimony,
} from './evidence.ts'
import type { ReasonCode } from './reason-codes.ts'
import { type Counts, type SeenOffer, type SlotOutcome, slotOutcome } from './slot-outcome.ts'
import { type Vouching, type WeighedValid, weighValid } from './weigh-valid.ts'

/** One validator's testimony by GPU, so that many GPUs and validators cost no more than their rows. */
export interface Heard {
  readonly one: Testimony
  readonly stake: bigint
  readonly rows: ReadonlyMap<string, Testimony['rows'][number]>
  readonly verdicts: ReadonlyMap<string, Testimony['verdicts'][number]>
}

const byGpu = <T extends GpuRef>(rows: readonly T[]): Map<string, T> =>
  new Map(rows.map((row) => [gpuKey(row), row]))

/** Puts one validator's testimony in order. */
export const heardFrom = (one: Testimony, stake: bigint): Heard => ({
  one,
  stake,
  rows: byGpu(one.rows),
  verdicts: byGpu(one.verdicts),
})

/** One validator's word, whatever it says. */
export const asWord = ({ one, stake }: Heard): Word<string> => ({ stake, value: one.validator })

/** Of fewer GPUs than this, half may well be silent by themselves: a lone miner's silence is its own. */
const ABSTAIN_FROM = 4

/** A validator that heard fewer than half of the GPUs that were ok just before had a fault of its own: it abstains. */
export function heardTooFew({ rows }: Testimony, wasOk: ReadonlySet<string>): boolean {
  if (wasOk.size < ABSTAIN_FROM) return false
  const isHeard = (row: Counts): boolean =>
    row.steps > 0 || row.passes > 0 || row.mode === 'exclusive'
  const heard = rows.filter(isHeard).map(gpuKey)
  return heard.filter((key) => wasOk.has(key)).length * 2 < wasOk.size
}

/** GPUs that more than KAPPA of active stake speaks of; a minority's inventions do not exist. */
export function seenBy(
  heard: readonly Heard[],
  active: bigint,
  c: ScoringConstants,
): Map<string, GpuRef> {
  const stakes = new Map<string, { ref: GpuRef; stake: bigint }>()
  for (const { one, stake } of heard) {
    for (const [key, { hotkey, miner, gpu }] of byGpu(one.rows)) {
      const before = stakes.get(key)?.stake ?? 0n
      stakes.set(key, { ref: { hotkey, miner, gpu }, stake: before + stake })
    }
  }
  return new Map(
    [...stakes]
      .filter(([, { stake }]) => decides(stake, active, c.KAPPA))
      .map(([key, { ref }]) => [key, ref]),
  )
}

/** The outcome of one GPU in one slot, from all that was heard. */
export function outcomeOf(
  ref: GpuRef,
  {
    openPulse,
    proof,
  }: Pick<SlotEvidence, 'openPulse'> & { readonly proof: ReasonCode | undefined },
  heard: readonly Heard[],
  active: bigint,
  evidence: Evidence,
  c: ScoringConstants,
): SlotOutcome & Pick<WeighedValid, 'ignored'> {
  const key = gpuKey(ref)
  const { ignored, doubt } = weighValid(
    heard.map((one) => ({ stake: one.stake, value: vouchingOf(one, key) })),
    active,
    c.KAPPA,
  )
  const counts = ({ one, verdicts }: Heard): boolean =>
    verdicts.get(key)?.verdict !== 'VALID' ||
    ignored.every(({ validator }) => validator !== one.validator)
  const verdictsOf = (all: readonly Heard[]): Word<string>[] =>
    all.filter(counts).flatMap(({ verdicts, stake }) => wordOf(verdicts.get(key)?.verdict, stake))
  const seats = openPulse === undefined ? undefined : seatsOf(ref, openPulse, evidence)
  const said = {
    reports: heard.flatMap(({ rows, stake }) => wordOf(rows.get(key), stake)),
    verdicts: verdictsOf(heard),
    drawn: seats && {
      stake: stakeOf(seats.map(({ stake }) => ({ stake, value: undefined }))),
      verdicts: verdictsOf(
        heard.filter(({ one }) => seats.some(({ validator }) => validator === one.validator)),
      ),
    },
    doubt,
    proof,
  }
  return { ...slotOutcome(said, active, c.KAPPA, evidence.measured), ignored }
}

/** What one validator said of a GPU, as far as it bears on a VALID. */
function vouchingOf({ one, rows, verdicts }: Heard, key: string): Vouching {
  const { verdict, heads, falseWitness = false } = verdicts.get(key) ?? {}
  const reported = rows.get(key)?.heads
  return { validator: one.validator, verdict, heads, reported, falseWitness }
}

/** Checkpoints of a locality chain as agreed, where somebody found it VALID; 0 otherwise. Only told, never scored. */
export function checkpointsOf(
  ref: GpuRef,
  heard: readonly Heard[],
  active: bigint,
  c: ScoringConstants,
): number {
  const key = gpuKey(ref)
  const isValid = heard.some(({ verdicts }) => verdicts.get(key)?.locality === 'VALID')
  const words = heard.flatMap(({ rows, stake }) => wordOf(rows.get(key)?.checkpoints, stake))
  const agreed = agree(words, active, c.KAPPA)
  return isValid && agreed.outcome === 'ok' ? agreed.count : 0
}

/** What was seen offered of a GPU. */
export const offersOf = (ref: GpuRef, heard: readonly Heard[]): Word<SeenOffer | null>[] =>
  heard.flatMap(({ rows, stake }) => wordOf(rows.get(gpuKey(ref))?.offer, stake))

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

const wordOf = <T>(value: T | undefined, stake: bigint): Word<T>[] =>
  value === undefined ? [] : [{ stake, value }]

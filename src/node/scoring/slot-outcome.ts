import { type ProofMode, proofModes } from '../../gpu/proof-mode.ts'
import { agreeOn, decides, stakeOf, stakeThat, type Word } from './agree.ts'
import { type ReasonCode, reasonOf } from './reason-codes.ts'

/** What validators counted of one GPU in one slot. */
export interface Counts {
  readonly mode: string
  readonly n: number
  /** Size of the resident fill. */
  readonly bytes: number
  readonly passes: number
  readonly steps: number
  /** Of the locality chain; nothing rests on it. */
  readonly checkpoints?: number
  /** The live offer that was seen of it; null for none, absent where that is not told. */
  readonly offer?: SeenOffer | null
}

/** What one device was offered for: base units of an asset per hour, as decimal digits. */
export interface SeenOffer {
  readonly asset: string
  readonly price: string
}

/** Everything said of one GPU in one slot. */
export interface SlotSaid {
  /** Words of validators that reported; those that abstained are left out. */
  readonly reports: readonly Word<Counts>[]
  /** `VALID` or a reason code; a VALID that does not count (weigh-valid.ts) is left out. */
  readonly verdicts: readonly Word<string>[]
  /**
   * Stake of those that were drawn to check it, and which of the verdicts are theirs; undefined where nobody knows who
   * was. Asked for only where nobody found it VALID.
   */
  readonly drawn?: () =>
    | { readonly stake: bigint; readonly verdicts: readonly Word<string>[] }
    | undefined
  /** Why a VALID that is left out may be honest all the same: nobody who was drawn fails the slot against it. */
  readonly doubt?: ReasonCode | undefined
  /** Code of a proof against it that anyone can check; it outweighs any number of verdicts. */
  readonly proof?: ReasonCode | undefined
}

/** `networkUnknown` is left out: the checkers failed, not the miner. */
export type Outcome = 'ok' | 'failed' | 'unknown' | 'networkUnknown'

export interface SlotOutcome {
  readonly outcome: Outcome
  readonly reason: ReasonCode
  /** Agreed counts; 0 unless ok. */
  readonly passes: number
  readonly steps: number
  readonly n: number
  readonly bytes: number
  /** How the GPU took part; idle where nobody's word binds. */
  readonly mode: ProofMode
}

/** Which counts a slot of this network measures. */
export type Measured = readonly ('passes' | 'steps')[]

const none = { passes: 0, steps: 0, n: 0, bytes: 0, mode: 'idle' as const }
/** Verdicts of those that heard no whole work: they could ask for no openings, and say nothing about them. */
const UNHEARD: ReadonlySet<string> = new Set(['SILENT', 'LATE_COMMIT', 'NO_WORK'])
/** More than half of the stake that was drawn must speak against a GPU. */
const HALF = 0.5

/**
 * The outcome of one GPU in one slot (notes/scoring.md §3). ok: every measured count agrees, some active validator
 * found the openings VALID, no more stake speaks against them than for them, and no proof stands against it. failed: silent to more than KAPPA of active stake, proven
 * false, found bad or unavailable by more than KAPPA, or by more than half of those drawn while nobody found it VALID.
 * An exclusive lease owes nothing: it is ok, without counts. The mode is what more than KAPPA saw announced before the
 * slot; counts of different modes are not counts of one thing. Anything else is what validators failed to observe.
 */
export function slotOutcome(
  said: SlotSaid,
  active: bigint,
  kappa: number,
  measured: Measured,
): SlotOutcome {
  if (said.proof !== undefined) return { outcome: 'failed', reason: said.proof, ...none }
  const mode = agreedMode(said.reports, active, kappa)
  if (mode === 'exclusive') return { ...none, outcome: 'ok', reason: 'EXCLUSIVE_LEASE', mode }
  const reports = said.reports.some(isExclusive)
    ? said.reports.filter((one) => !isExclusive(one))
    : said.reports
  const agreed = measured.map((name) => agreeOn(reports, (one) => one[name], active, kappa))
  if (agreed.some(({ outcome }) => outcome === 'failed')) {
    return { outcome: 'failed', reason: 'SILENT', ...none }
  }
  const bad = condemned(said.verdicts, active, kappa)
  if (bad !== undefined) return { outcome: 'failed', reason: bad, ...none }
  const isValid = said.verdicts.some(({ value, stake }) => value === 'VALID' && stake > 0n)
  const isOutvoted = isValid && outvoted(said.verdicts)
  if (
    isValid &&
    !isOutvoted &&
    mode !== undefined &&
    agreed.every(({ outcome }) => outcome === 'ok')
  ) {
    const countOf = (name: 'passes' | 'steps'): number => {
      const one = agreed[measured.indexOf(name)]
      return one?.outcome === 'ok' ? one.count : 0
    }
    const [n, bytes] = [
      agreedSize('n', reports, active, kappa),
      agreedSize('bytes', reports, active, kappa),
    ]
    const counts = { passes: countOf('passes'), steps: countOf('steps') }
    return { outcome: 'ok', reason: 'OK', ...counts, n, bytes, mode }
  }
  const drawn = isValid || said.doubt !== undefined ? undefined : said.drawn?.()
  if (drawn !== undefined) {
    const unseen = condemned(drawn.verdicts, drawn.stake, HALF)
    if (unseen !== undefined) return { outcome: 'failed', reason: unseen, ...none }
  }
  return unobserved(said, isOutvoted ? 'OUTVOTED' : said.doubt)
}

/**
 * Whether more stake speaks against openings than for them. Each side may be the one that lies, so the slot neither pays
 * nor fails: whoever was spared the check looks then (look-again.ts), and most of the stake decides.
 */
function outvoted(verdicts: readonly Word<string>[]): boolean {
  const against = stakeThat(verdicts, (one) => one !== 'VALID' && !UNHEARD.has(one))
  return against > stakeThat(verdicts, isVouching)
}

const isExclusive = ({ value }: Word<Counts>): boolean => value.mode === 'exclusive'
const isVouching = (verdict: string): boolean => verdict === 'VALID'
const isAgainst = (verdict: string): boolean => verdict !== 'VALID'

/** More stake heard it than reported silence: the checkers failed, so the slot is left out. */
function unobserved({ reports }: SlotSaid, why?: ReasonCode): SlotOutcome {
  const heard = stakeThat(reports, ({ steps, passes }) => steps > 0 || passes > 0)
  const silent = stakeThat(reports, ({ steps, passes }) => steps === 0 && passes === 0)
  return heard > silent
    ? { outcome: 'networkUnknown', reason: why ?? 'NETWORK_UNKNOWN', ...none }
    : { outcome: 'unknown', reason: why ?? 'UNKNOWN_CHECKER', ...none }
}

/** The verdict other than VALID that more than `kappa` of a stake gave, taken together; the commonest names it. */
function condemned(
  verdicts: readonly Word<string>[],
  stake: bigint,
  kappa: number,
): ReasonCode | undefined {
  if (!decides(stakeThat(verdicts, isAgainst), stake, kappa)) return undefined
  const against = verdicts.filter(({ value }) => isAgainst(value))
  const byCode = Map.groupBy(against, ({ value }) => value)
  const ranked = [...byCode].map(([code, words]) => ({ code, stake: stakeOf(words) }))
  ranked.sort((a, b) =>
    a.stake === b.stake ? (a.code < b.code ? -1 : 1) : a.stake > b.stake ? -1 : 1,
  )
  return reasonOf(ranked[0]!.code)
}

/** The mode that more than KAPPA reported; undefined when no one mode was. */
const agreedMode = (
  reports: readonly Word<Counts>[],
  active: bigint,
  kappa: number,
): ProofMode | undefined =>
  proofModes.find((mode) =>
    decides(
      stakeThat(reports, (one) => one.mode === mode),
      active,
      kappa,
    ),
  )

/** The size of the work that more than KAPPA reported; a smaller one that a minority claims moves nothing. */
function agreedSize(
  size: 'n' | 'bytes',
  reports: readonly Word<Counts>[],
  active: bigint,
  kappa: number,
): number {
  const agreed = agreeOn(reports, (one) => one[size], active, kappa)
  return agreed.outcome === 'ok' ? agreed.count : 0
}

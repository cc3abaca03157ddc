import { decides, stakeThat, type Word } from './agree.ts'
import type { ReasonCode } from './reason-codes.ts'

/** What was said of one GPU in one slot, as far as it bears on a VALID. */
export interface Vouching {
  readonly verdict: string | undefined
  /** Heads of both Finals under which the verdict was found, and those it reported to have heard; as one text each. */
  readonly heads: string | undefined
  readonly reported: string | undefined
  /** Its witness was held against the transcript and is not of it. */
  readonly falseWitness: boolean
}

/** A VALID that does not count, and why. */
export interface IgnoredWord {
  readonly validator: string
  readonly reason: ReasonCode
}

export interface WeighedValid {
  /** By what was said, why its VALID does not count. */
  readonly ignored: ReadonlyMap<Vouching, ReasonCode>
  /**
   * Why a VALID that does not count still keeps others from failing the slot: it may be honest, and so few speak that
   * nobody can tell. Undefined where none is.
   */
  readonly doubt: ReasonCode | undefined
}

/** More than half of the stake that says which Finals it saw. */
const HALF = 0.5

/**
 * Which VALIDs count: those under the heads that more than half of the stake saw that says anything of heads, and with a
 * witness that is not known to be false. A validator says it by its report, which it committed to before anybody's was
 * public, or by its verdict where it has none. Where more than KAPPA of all active stake saw other heads than a VALID names,
 * it is made up; where fewer did, too few heard the GPU to call anybody a liar.
 */
export function weighValid(
  said: readonly Word<Vouching>[],
  active: bigint,
  kappa: number,
): WeighedValid {
  const agreed = mostSeen(said)
  const isSure = agreed !== undefined && decides(agreed.stake, active, kappa)
  const ignored = new Map<Vouching, ReasonCode>()
  let doubt: ReasonCode | undefined
  for (const { value } of said) {
    if (value.verdict !== 'VALID') continue
    const { heads, reported, falseWitness } = value
    if (falseWitness) ignored.set(value, 'FALSE_WITNESS')
    else if (heads !== agreed?.heads || (reported !== undefined && reported !== heads)) {
      ignored.set(value, 'OTHER_HEADS')
      if (!isSure) doubt = 'OTHER_HEADS'
    }
  }
  return { ignored, doubt }
}

/** The heads that more than half of those words name that name any; undefined where none do. */
function mostSeen(
  said: readonly Word<Vouching>[],
): { readonly heads: string; readonly stake: bigint } | undefined {
  const whole = stakeThat(said, (one) => headsOf(one) !== undefined)
  for (const { value } of said) {
    const heads = headsOf(value)
    if (heads === undefined) continue
    const stake = stakeThat(said, (one) => headsOf(one) === heads)
    if (decides(stake, whole, HALF)) return { heads, stake }
  }
  return undefined
}

/** A validator's report says what it saw, or its verdict where it has none. */
const headsOf = ({ reported, heads }: Vouching): string | undefined => reported ?? heads

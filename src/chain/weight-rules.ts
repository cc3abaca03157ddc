import type { BlockRef, Epoch } from './chain.ts'
import type { RowLimits } from './weights.ts'

/** How a subnet wants its weights: openly, as a hash that is opened later, or encrypted to a round of a beacon. */
export type WeightsWay = 'direct' | 'hash' | 'timelock'

/** What decides whether, how and when one hotkey may set weights, read at one block. */
export interface WeightRules extends RowLimits {
  readonly block: BlockRef
  readonly epoch: Epoch
  /** Undefined when the hotkey is not registered in the subnet. */
  readonly uid: number | undefined
  readonly permit: boolean
  /** False when the hotkey's stake is below the chain's threshold, and it does not own the subnet. */
  readonly stakeSuffices: boolean
  /** Base units of alpha. */
  readonly stake: bigint
  readonly stakeThreshold: bigint
  /** Block of the last weights, commits included, or of the registration. */
  readonly lastUpdate: number
  /** Blocks between two of them. */
  readonly rateLimit: number
  readonly versionKey: number
  readonly way: WeightsWay
  /** Epochs from a commit to its reveal. */
  readonly revealPeriod: number
  /** Commits of this hotkey that can still be revealed. */
  readonly unrevealed: number
}

/** Why nothing can be set now. */
export const refusalReasons = [
  'UNREGISTERED',
  'LOW_STAKE',
  'NO_PERMIT',
  'RATE_LIMIT',
  'TOO_MANY_COMMITS',
  'BAD_ROW',
] as const
export type RefusalReason = (typeof refusalReasons)[number]

/** A reason in code and in words, and the first block at which it may be otherwise where that is known. */
export interface Refusal {
  readonly reason: RefusalReason
  readonly message: string
  readonly retryAtBlock?: number
}

/** A hotkey may have this many commits that are not revealed. */
const MAX_UNREVEALED = 10

/**
 * The first of the chain's own checks that would refuse weights now, in its order (notes/chain.md §3); undefined when
 * none would. The rate limit counts as the chain does: a block at exactly the limit is late enough.
 */
export function refusalOf(rules: WeightRules): Refusal | undefined {
  const { block, epoch, uid, lastUpdate, rateLimit } = rules
  if (uid === undefined)
    return { reason: 'UNREGISTERED', message: 'the hotkey is not registered in this subnet' }
  if (!rules.stakeSuffices) {
    const message = `${rules.stake} of stake is less than the ${rules.stakeThreshold} that may set weights`
    return { reason: 'LOW_STAKE', message }
  }
  const next = Math.max(epoch.next, block.number + 1)
  if (!rules.permit) {
    const message =
      'the hotkey has no validator permit; each epoch gives them to the highest stakes'
    return { reason: 'NO_PERMIT', message, retryAtBlock: next }
  }
  const free = lastUpdate === 0 ? 0 : lastUpdate + rateLimit
  if (block.number < free) {
    const message = `weights may be set every ${rateLimit} blocks, and were at block ${lastUpdate}`
    return { reason: 'RATE_LIMIT', message, retryAtBlock: free }
  }
  if (rules.way !== 'direct' && rules.unrevealed >= MAX_UNREVEALED) {
    const message = `${rules.unrevealed} commits are not revealed yet`
    return { reason: 'TOO_MANY_COMMITS', message, retryAtBlock: next }
  }
  return undefined
}

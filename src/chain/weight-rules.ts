import type { WeightRules } from './chain-weights.ts'
import type { Refusal } from './weights-refusal.ts'

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

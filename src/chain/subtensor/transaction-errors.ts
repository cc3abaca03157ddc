import type { ApiPromise } from '@polkadot/api'
import type { DispatchError } from '@polkadot/types/interfaces'
import { NodeError } from '../../errors.ts'

/** A transaction that may or may not stand in a block one day. */
export const outcomeUnknown = (hash: string): NodeError =>
  new NodeError('CHAIN_TIMEOUT', `transaction ${hash} is not final yet: its outcome is unknown`, {
    next: 'look at the chain before you send it again',
    hash,
  })

/** A transaction that never got into a block. */
export const poolError = (reason: string, cause: unknown): NodeError =>
  new NodeError('CHAIN_POOL', `the chain refused the transaction: ${reason}`, {
    cause,
    next: /custom/.test(reason)
      ? 'check stake, registration and rate limits: compute-node chain metagraph'
      : 'check the balance of the signer and try again',
  })

/** What each refusal of a call asks of the reader. */
const advice: Readonly<Record<string, string>> = {
  HotKeyAlreadyRegisteredInSubNet: 'nothing to do: this hotkey is registered',
  HotKeyNotRegisteredInSubNet: 'register the hotkey first: compute-node chain register',
  AccountNotAllowedCommit: 'register the hotkey first: compute-node chain register',
  NotEnoughBalanceToStake: 'put more TAO on the coldkey',
  NeuronNoValidatorPermit: 'stake more, and wait for the next epoch',
  NotEnoughStakeToSetWeights: 'stake more on this hotkey',
  SettingWeightsTooFast: 'wait until the rate limit has passed',
  CommittingWeightsTooFast: 'wait until the rate limit has passed',
  CommitmentSetRateLimitExceeded: 'wait until the rate limit has passed',
  SpaceLimitExceeded: 'wait for the next epoch of the subnet',
}

/** A failed call as an error that names pallet and error, e.g. `subtensorModule.DuplicateUids`. */
export function dispatchError(api: ApiPromise, error: DispatchError): NodeError {
  if (!error.isModule)
    return new NodeError('CHAIN_DISPATCH', `the transaction failed: ${error.toString()}`)
  const { section, name } = api.registry.findMetaError(error.asModule)
  return new NodeError('CHAIN_DISPATCH', `the transaction failed: ${section}.${name}`, {
    next: advice[name] ?? 'read the chain with: compute-node chain metagraph',
    error: name,
  })
}

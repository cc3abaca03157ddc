import type { ApiPromise } from '@polkadot/api'
import type { Result } from '@polkadot/types'
import type { DispatchError, EventRecord } from '@polkadot/types/interfaces'
import type { Codec } from '@polkadot/types/types'
import { NodeError } from '../../errors.ts'
import { featuresOf } from './features.ts'

/** Where a transaction failed: before a block, in it, inside a call that itself succeeded, or nobody knows. */
export type Stage = 'pool' | 'dispatch' | 'inner' | 'timeout'

/** When the same transaction may succeed. */
export type Retry = 'never' | 'nextBlock' | 'afterBlocks' | 'nextEpoch'

/** A transaction that may or may not stand in a block one day. */
export const outcomeUnknown = (hash: string): NodeError =>
  new NodeError('CHAIN_TIMEOUT', `transaction ${hash} is not final yet: its outcome is unknown`, {
    next: 'look at the chain before you send it again',
    stage: 'timeout' satisfies Stage,
    retry: 'afterBlocks' satisfies Retry,
    hash,
  })

/** A transaction that stands in none of the blocks it was signed for: it never will. */
export const expired = (hash: string, lastBlock: number): NodeError =>
  new NodeError('CHAIN_TIMEOUT', `transaction ${hash} was in no block up to ${lastBlock}`, {
    next: 'send it again: this one can stand in no later block',
    stage: 'timeout' satisfies Stage,
    retry: 'nextBlock' satisfies Retry,
    hash,
    expired: true,
  })

/** A transaction that may have stood in a block which the endpoint has dropped, as another of its nonce may. */
export const unseen = (hash: string): NodeError =>
  new NodeError(
    'CHAIN_TIMEOUT',
    `the endpoint has dropped the block in which transaction ${hash}, or another in its place, stands`,
    {
      next: 'look at the chain, or ask an archive node with --chain, before you send it again',
      stage: 'timeout' satisfies Stage,
      retry: 'nextBlock' satisfies Retry,
      hash,
      unseen: true,
    },
  )

/** Whether an error says that nobody here can tell any more what became of a transaction that is over. */
export const isUnseen = (error: unknown): boolean =>
  error instanceof NodeError && error.details['unseen'] === true

/** A transaction whose nonce another one of its account used: it never will stand in a block. */
export const replaced = (hash: string, nonce: number): NodeError =>
  new NodeError(
    'CHAIN_POOL',
    `another transaction of this account took the place of ${hash} (nonce ${nonce})`,
    {
      next: 'send it again, and let one program alone use this account',
      stage: 'pool' satisfies Stage,
      retry: 'nextBlock' satisfies Retry,
      hash,
    },
  )

/** Whether an error says that its transaction stands in no block and never will: refused, replaced or too old. */
export const isOver = (error: unknown): boolean =>
  error instanceof NodeError && (error.code === 'CHAIN_POOL' || error.details['expired'] === true)

/** `CustomTransactionError` of spec 425, by number, where a transaction of ours can meet it. */
const CUSTOM: Readonly<Record<number, string>> = {
  1: 'StakeAmountTooLow',
  2: 'BalanceTooLow',
  3: 'SubnetNotExists',
  4: 'HotkeyAccountDoesntExist',
  6: 'RateLimitExceeded',
  10: 'HotKeyNotRegisteredInSubNet',
  11: 'InvalidIpAddress',
  12: 'ServingRateLimitExceeded',
  15: 'InvalidRevealRound',
  16: 'CommitNotFound',
  17: 'CommitBlockNotInRevealRange',
  18: 'InputLengthsUnequal',
  19: 'UidNotFound',
}

/** Spec 218 counts otherwise; the one that was seen there. */
const CUSTOM_218: Readonly<Record<number, string>> = { 3: 'NotEnoughStakeToSetWeights' }

/** What a pool said when it refused, as a node's own clients show it: `1010: Invalid Transaction: …`. */
export function refusalText(error: NodeError): string {
  const { rpcCode, reason } = error.details
  const parts = [rpcCode, error.message.replace(/^the chain refused: /, ''), reason]
  return parts.filter((part) => part !== undefined).join(': ')
}

/** A transaction that never got into a block: the runtime's own number by name where it gave one. */
export function poolError(
  api: Pick<ApiPromise, 'query'>,
  reason: string,
  cause: unknown,
): NodeError {
  const number = /custom\D*(\d+)/i.exec(reason)?.[1]
  const names = featuresOf(api).stakeThreshold ? CUSTOM : CUSTOM_218
  const error = number === undefined ? undefined : (names[Number(number)] ?? `Custom${number}`)
  const why = error === undefined ? reason : `${reason} (${error})`
  return new NodeError('CHAIN_POOL', `the chain refused the transaction: ${why}`, {
    cause,
    next:
      (error && advice[error]) ??
      (error === undefined
        ? 'check the balance of the signer and try again'
        : 'check stake, registration and rate limits: compute-node chain metagraph'),
    stage: 'pool' satisfies Stage,
    retry: error === undefined ? ('nextBlock' satisfies Retry) : retryOf(error),
    raw: reason,
    ...(error === undefined ? {} : { error }),
  })
}

const RETRIES: Readonly<Record<string, Retry>> = {
  TooManyRegistrationsThisBlock: 'nextBlock',
  TooManyRegistrationsThisInterval: 'afterBlocks',
  SettingWeightsTooFast: 'afterBlocks',
  CommittingWeightsTooFast: 'afterBlocks',
  CommitmentSetRateLimitExceeded: 'afterBlocks',
  RateLimitExceeded: 'afterBlocks',
  ServingRateLimitExceeded: 'afterBlocks',
  NetworkTxRateLimitExceeded: 'afterBlocks',
  RevealTooEarly: 'nextEpoch',
  CommitBlockNotInRevealRange: 'nextEpoch',
  NeuronNoValidatorPermit: 'nextEpoch',
  SpaceLimitExceeded: 'nextEpoch',
  TooManyUnrevealedCommits: 'nextEpoch',
}

/** When a call that failed with this error may succeed; what needs something of a person first: never. */
const retryOf = (error: string): Retry => RETRIES[error] ?? 'never'

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
  RateLimitExceeded: 'wait until the rate limit has passed',
  StakeAmountTooLow: 'stake more on this hotkey',
  BalanceTooLow: 'put more TAO on the coldkey',
  SpaceLimitExceeded: 'wait for the next epoch of the subnet',
}

/**
 * A failed call as an error that names pallet and error, e.g. `subtensorModule.DuplicateUids`.
 * @param stage where it failed: CHAIN_DISPATCH, or CHAIN_INNER for a call inside one that itself succeeded
 */
export function dispatchError(
  api: Pick<Codec, 'registry'>,
  error: DispatchError,
  stage: 'dispatch' | 'inner' = 'dispatch',
): NodeError {
  const code = stage === 'inner' ? 'CHAIN_INNER' : 'CHAIN_DISPATCH'
  const what = stage === 'inner' ? 'a call inside the transaction failed' : 'the transaction failed'
  const raw = error.toString()
  if (!error.isModule)
    return new NodeError(code, `${what}: ${raw}`, { stage, raw, retry: retryOf(raw) })
  const { section, name } = api.registry.findMetaError(error.asModule)
  return new NodeError(code, `${what}: ${section}.${name}`, {
    next: advice[name] ?? 'read the chain with: compute-node chain metagraph',
    stage,
    error: name,
    raw,
    retry: retryOf(name),
  })
}

/** Events that tell how a call went that sudo, a multisig, a proxy or a batch made, and which field tells it. */
const INNER: Readonly<Record<string, number>> = {
  'sudo.Sudid': 0,
  'sudo.SudoAsDone': 0,
  'multisig.MultisigExecuted': 4,
  'proxy.ProxyExecuted': 0,
  'utility.BatchInterrupted': 1,
  'utility.ItemFailed': 0,
}

/** The failure that the events of a transaction tell: its own, or one that an outer call swallowed. */
export function failureIn(
  api: Pick<Codec, 'registry'>,
  records: readonly Pick<EventRecord, 'event'>[],
): NodeError | undefined {
  for (const { event } of records) {
    const name = `${event.section}.${event.method}`
    if (name === 'system.ExtrinsicFailed')
      return dispatchError(api, event.data[0] as unknown as DispatchError)
    const field = INNER[name]
    if (field === undefined) continue
    const told = event.data[field] as unknown as Result<Codec, DispatchError> | DispatchError
    if (!('isErr' in told)) return dispatchError(api, told, 'inner')
    if (told.isErr) return dispatchError(api, told.asErr, 'inner')
  }
  return undefined
}

import type { ApiPromise } from '@polkadot/api'
import type { SubmittableExtrinsic } from '@polkadot/api/types'
import type { DispatchError, EventRecord } from '@polkadot/types/interfaces'
import type { IKeyringPair, ISubmittableResult } from '@polkadot/types/types'
import { deadline, sleep } from '../../clock.ts'
import { messageOf, NodeError } from '../../errors.ts'
import type { TxResult } from '../chain.ts'
import type { Hotkey } from '../keys.ts'
import { connected } from './connection.ts'

export type Transaction = SubmittableExtrinsic<'promise', ISubmittableResult>

/** From handing a transaction over to its final block; a mortal one is void after 64 blocks of 12 s anyway. */
const FINAL_WITHIN_MS = 180_000
const NONCE_TRIES = 5

/** Our key in the shape polkadot.js signs with; the byte before a signature names its scheme. */
function pairOf(key: Hotkey): IKeyringPair {
  const scheme = Uint8Array.of(key.type === 'ed25519' ? 0 : 1)
  return {
    address: key.address,
    addressRaw: key.publicKey,
    publicKey: key.publicKey,
    sign: (data, options) => {
      const signature = key.sign(data)
      return options?.withType === true ? Buffer.concat([scheme, signature]) : signature
    },
  }
}

/** Sends transactions of one connection: one at a time per signer until the pool took it, so that nonces never race. */
export class Sender {
  readonly #api: ApiPromise
  readonly #signal: AbortSignal
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(api: ApiPromise, signal: AbortSignal) {
    this.#api = api
    this.#signal = signal
  }

  /** Resolves when the transaction succeeded in a final block; throws CHAIN_POOL, CHAIN_DISPATCH or CHAIN_TIMEOUT. */
  async send(transaction: Transaction, key: Hotkey): Promise<TxResult> {
    const submitted = await this.#inTurn(key.address, () => this.#submit(transaction, key))
    return submitted.final
  }

  /** Waits for the signer's earlier transactions to be in the pool. */
  async #inTurn<T>(address: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(address) ?? Promise.resolve()
    const mine = before.then(work, work)
    const settled = mine.then(
      () => undefined,
      () => undefined, // the caller gets the error; the next in turn does not
    )
    this.#turns.set(address, settled)
    return mine
  }

  /** Another process may use the same account: a nonce that was taken meanwhile is asked for again. */
  async #submit(transaction: Transaction, key: Hotkey): Promise<{ final: Promise<TxResult> }> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#submitOnce(transaction, key)
      } catch (error) {
        if (attempt >= NONCE_TRIES || !nonceTaken(error)) throw error
        await sleep(100 * attempt, this.#signal)
      }
    }
  }

  async #submitOnce(transaction: Transaction, key: Hotkey): Promise<{ final: Promise<TxResult> }> {
    const api = this.#api
    let signed: Transaction
    try {
      await connected(api)
      const nonce = await api.rpc.system.accountNextIndex(key.address)
      signed = await transaction.signAsync(pairOf(key), { nonce })
    } catch (cause) {
      throw new NodeError('CHAIN_UNREACHABLE', `cannot prepare: ${messageOf(cause)}`, { cause })
    }
    const pooled = Promise.withResolvers<void>()
    const final = Promise.withResolvers<TxResult>()
    final.promise.catch(() => undefined) // whoever asked gets it through `send`; without a pool there is nobody yet
    const limit = deadline(this.#signal, FINAL_WITHIN_MS)
    const lost = (): void => final.reject(outcomeUnknown(signed.hash.toHex()))
    limit.signal.addEventListener('abort', lost, { once: true })
    const stop = signed.send((result) => {
      if (result.isError) return pooled.reject(poolError(result.status.type, result.internalError))
      pooled.resolve()
      if (result.isFinalized) void this.#conclude(result).then(final.resolve, final.reject)
    })
    stop.catch((cause) => pooled.reject(poolError(messageOf(cause), cause)))
    void final.promise
      .catch(() => undefined)
      .finally(async () => {
        limit[Symbol.dispose]()
        ;(await stop)()
      })
    try {
      await pooled.promise
    } catch (error) {
      limit[Symbol.dispose]()
      throw error
    }
    return { final: final.promise }
  }

  async #conclude(result: ISubmittableResult): Promise<TxResult> {
    const failed = result.dispatchError
    if (failed !== undefined) throw dispatchError(this.#api, failed)
    const hash = result.status.asFinalized.toHex()
    const header = await this.#api.rpc.chain.getHeader(hash)
    return { block: { number: header.number.toNumber(), hash }, events: eventNames(result.events) }
  }
}

const eventNames = (records: readonly EventRecord[]): string[] =>
  records.map(({ event }) => `${event.section}.${event.method}`)

const nonceTaken = (error: unknown): boolean =>
  error instanceof NodeError &&
  error.code === 'CHAIN_POOL' &&
  /stale|outdated|1014|priority is too low/i.test(error.message)

const outcomeUnknown = (hash: string): NodeError =>
  new NodeError('CHAIN_TIMEOUT', `transaction ${hash} is not final yet: its outcome is unknown`, {
    next: 'look at the chain before you send it again',
    hash,
  })

const poolError = (reason: string, cause: unknown): NodeError =>
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
function dispatchError(api: ApiPromise, error: DispatchError): NodeError {
  if (!error.isModule)
    return new NodeError('CHAIN_DISPATCH', `the transaction failed: ${error.toString()}`)
  const { section, name } = api.registry.findMetaError(error.asModule)
  return new NodeError('CHAIN_DISPATCH', `the transaction failed: ${section}.${name}`, {
    next: advice[name] ?? 'read the chain with: compute-node chain metagraph',
    error: name,
  })
}

import type { ApiPromise } from '@polkadot/api'
import type { IKeyringPair } from '@polkadot/types/types'
import { sleep } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import type { TxResult } from '../chain.ts'
import type { Hotkey } from '../keys.ts'
import { type OnItsWay, sendAndAwait, type Transaction } from './await-final.ts'
import { connected } from './connection.ts'
import { finalizedHead } from './reads.ts'

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
  async #submit(transaction: Transaction, key: Hotkey): Promise<OnItsWay> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#submitOnce(transaction, key)
      } catch (error) {
        const again = nonceTaken(error) ? NONCE_TRIES : notSent(error) ? 2 : 0
        if (attempt >= again) throw error
        await sleep(100 * attempt, this.#signal)
      }
    }
  }

  async #submitOnce(transaction: Transaction, key: Hotkey): Promise<OnItsWay> {
    const api = this.#api
    const { signed, since } = await this.#sign(transaction, key)
    const options = { since, withinMs: FINAL_WITHIN_MS, signal: this.#signal }
    const sent = sendAndAwait(api, signed, options)
    await sent.pooled
    return sent
  }

  async #sign(transaction: Transaction, key: Hotkey) {
    const api = this.#api
    try {
      await connected(api)
      const [nonce, { number: since }] = await Promise.all([
        api.rpc.system.accountNextIndex(key.address),
        finalizedHead(api),
      ])
      return { signed: await transaction.signAsync(pairOf(key), { nonce }), since }
    } catch (cause) {
      throw new NodeError('CHAIN_UNREACHABLE', `cannot prepare: ${messageOf(cause)}`, { cause })
    }
  }
}

/** The connection was lost while preparing: nothing went out. */
const notSent = (error: unknown): boolean => codeOf(error) === 'CHAIN_UNREACHABLE'

const nonceTaken = (error: unknown): boolean =>
  error instanceof NodeError &&
  error.code === 'CHAIN_POOL' &&
  /stale|outdated|1014|priority is too low/i.test(error.message)

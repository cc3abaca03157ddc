import type { SubmittableExtrinsic } from '@polkadot/api/types'
import type { IKeyringPair, ISubmittableResult } from '@polkadot/types/types'
import { deadline, sleep } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import type { Hotkey } from '../keys.ts'
import type { SignedTx, TxResult } from '../transaction.ts'
import type { Connection } from './connection.ts'
import { finalizedHead } from './reads.ts'
import { Submission } from './submission.ts'
import { isOver } from './transaction-errors.ts'

/** A call that is not signed yet. */
export type Transaction = SubmittableExtrinsic<'promise', ISubmittableResult>

/** Called with a transaction once it is signed and before it is sent; again where it had to be signed anew. */
export type Keep = (signed: SignedTx) => Promise<void>

/** Blocks in which a transaction may stand, a power of two; 13 minutes of a real chain. */
const ERA_BLOCKS = 64
const NONCE_TRIES = 5
/** Upgrades of the runtime that one transaction may meet. */
const UPGRADES = 2
/** How long the metadata of a new runtime may take to load. */
const METADATA_MS = 30_000

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
  readonly #connection: Connection
  readonly #signal: AbortSignal
  readonly #turns = new Map<string, Promise<unknown>>()
  /** Nonces of transactions on their way, by signer: a pool at another endpoint may not know them. */
  readonly #used = new Map<string, Set<number>>()

  constructor(connection: Connection, signal: AbortSignal) {
    this.#connection = connection
    this.#signal = signal
  }

  /**
   * Resolves when the transaction succeeded in a final block; throws CHAIN_POOL, CHAIN_DISPATCH, CHAIN_INNER,
   * CHAIN_TIMEOUT or CHAIN_UNREACHABLE. Made anew when the runtime was upgraded before a block took it: no block after
   * that takes what was signed for the one before. Nothing goes out that `keep` has not kept.
   */
  async send(make: () => Transaction, key: Hotkey, keep?: Keep): Promise<TxResult> {
    for (let upgrades = 0; ; upgrades++) {
      const sent = await this.#inTurn(key.address, () => this.#submit(make, key, keep))
      try {
        return await sent.final
      } catch (error) {
        if (upgrades >= UPGRADES || !(await this.#wasUpgraded(error, sent.specVersion))) throw error
      }
    }
  }

  /**
   * Goes on with a transaction that was kept, by a process that may have died before, while or after it was sent: the same
   * bytes go out again, and are looked for in every block that may hold them. Undefined when it can stand in none any more.
   * @throws CHAIN_DISPATCH or CHAIN_INNER when it failed in its block, CHAIN_TIMEOUT, CHAIN_UNREACHABLE
   */
  async resume(signed: SignedTx): Promise<TxResult | undefined> {
    try {
      const sent = await this.#inTurn(signed.signer, () => this.#give(signed, true))
      return await sent.final
    } catch (error) {
      if (isOver(error)) return undefined
      throw error
    }
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
  async #submit(make: () => Transaction, key: Hotkey, keep?: Keep): Promise<Submission> {
    for (let attempt = 1; ; attempt++) {
      const signed = await this.#sign(make, key)
      await keep?.(signed)
      try {
        return await this.#give(signed)
      } catch (error) {
        const again =
          nonceTaken(error) || (await this.#wasUpgraded(error, signed.specVersion))
            ? NONCE_TRIES
            : 0
        if (attempt >= again) throw error
        await sleep(100 * attempt, this.#signal)
      }
    }
  }

  /** Hands signed bytes over; resolves once a pool has them. */
  async #give(signed: SignedTx, isResumed = false): Promise<Submission> {
    const sent = new Submission(this.#connection, signed, { owner: this.#signal, isResumed })
    this.#holdNonce(signed, sent)
    await sent.pooled
    return sent
  }

  #holdNonce({ signer, nonce }: SignedTx, sent: Submission): void {
    const used = this.#used.get(signer) ?? new Set()
    this.#used.set(signer, used.add(nonce))
    const free = (): void => void used.delete(nonce)
    sent.final.then(free, free)
  }

  async #sign(make: () => Transaction, key: Hotkey): Promise<SignedTx> {
    const { api, provider } = this.#connection
    try {
      const [next, since] = await Promise.all([
        provider.send<number>('system_accountNextIndex', [key.address]),
        finalizedHead(api),
        this.#newestRuntime(),
      ])
      const nonce = Math.max(next, ...[...(this.#used.get(key.address) ?? [])].map((n) => n + 1))
      const era = api.registry.createType('ExtrinsicEra', {
        current: since.number,
        period: ERA_BLOCKS,
      })
      const specVersion = api.runtimeVersion.specVersion.toNumber()
      const signed = await make().signAsync(pairOf(key), { nonce, era, blockHash: since.hash })
      return {
        bytes: signed.toHex(),
        hash: signed.hash.toHex(),
        signer: key.address,
        nonce,
        since: since.number,
        until: since.number + ERA_BLOCKS - 1,
        specVersion,
      }
    } catch (cause) {
      if (cause instanceof NodeError && cause.code !== 'CHAIN_REFUSED') throw cause
      throw new NodeError('CHAIN_UNREACHABLE', `cannot prepare: ${messageOf(cause)}`, { cause })
    }
  }

  /** Whether a refusal may be due to a runtime that came after the signature. */
  async #wasUpgraded(error: unknown, signedFor: number): Promise<boolean> {
    if (codeOf(error) !== 'CHAIN_POOL') return false
    const newest = await this.#newestRuntime().catch(() => signedFor) // the refusal is what is told
    return newest !== signedFor
  }

  /** Waits until the metadata of the chain's newest runtime is loaded; gives its version. */
  async #newestRuntime(): Promise<number> {
    const { api, provider } = this.#connection
    const version = await provider.send<{ specVersion: number }>('state_getRuntimeVersion', [])
    using limit = deadline(this.#signal, METADATA_MS)
    while (api.runtimeVersion.specVersion.toNumber() !== version.specVersion) {
      await sleep(50, limit.signal).catch((cause) => {
        throw new NodeError('CHAIN_UNREACHABLE', 'the new runtime was not loaded in time', {
          cause,
        })
      })
    }
    return version.specVersion
  }
}

const nonceTaken = (error: unknown): boolean =>
  error instanceof NodeError &&
  error.code === 'CHAIN_POOL' &&
  /stale|outdated|1014|priority is too low/i.test(error.message)

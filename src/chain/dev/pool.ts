import type { SignedExtrinsic } from './extrinsics.ts'
import { invalidTransaction, RpcError } from './rpc-error.ts'

/** What a watcher of a transaction is told, in Substrate's words. */
export type PoolStatus =
  | 'ready'
  | 'future'
  | 'invalid'
  | { readonly inBlock: string }
  | { readonly finalized: string }

export type Watcher = (status: PoolStatus) => void

interface Pending {
  readonly transaction: SignedExtrinsic
  readonly watcher: Watcher | undefined
  readonly since: number
}

const MAX_PENDING = 4096
const MAX_PER_ACCOUNT = 64
/** Blocks after which a transaction whose turn never came is dropped; also the usual mortality. */
const MAX_WAIT_BLOCKS = 64

/** Transactions that wait for a block, per account in order of nonce. */
export class Pool {
  readonly #pending = new Map<string, Map<number, Pending>>()
  #size = 0

  /** How many transactions wait. */
  get size(): number {
    return this.#size
  }

  /** The next nonce an account should sign with, counting what already waits. */
  nextNonce(address: string, nonce: number): number {
    const waiting = this.#pending.get(address)
    let next = nonce
    while (waiting?.has(next) === true) next++
    return next
  }

  /** Throws 1010 stale, 1013 when it waits already, 1014 when the nonce is taken, 1016 when the pool is full. */
  add(transaction: SignedExtrinsic, nonce: number, block: number, watcher?: Watcher): void {
    const waiting = this.#pending.get(transaction.signer) ?? new Map<number, Pending>()
    if (transaction.nonce < nonce) throw invalidTransaction({ stale: null })
    if (waiting.get(transaction.nonce)?.transaction.hash === transaction.hash)
      throw new RpcError(1013, 'Transaction is already imported')
    if (waiting.has(transaction.nonce))
      throw new RpcError(1014, 'Priority is too low: a transaction with this nonce waits already')
    if (this.#size >= MAX_PENDING || waiting.size >= MAX_PER_ACCOUNT)
      throw new RpcError(1016, 'Immediately Dropped: the pool is full')
    const turn = this.nextNonce(transaction.signer, nonce)
    waiting.set(transaction.nonce, { transaction, watcher, since: block })
    this.#pending.set(transaction.signer, waiting)
    this.#size++
    watcher?.(transaction.nonce <= turn ? 'ready' : 'future')
  }

  /** What the next block may take: per account as many as follow its nonce without a gap. */
  ready(nonceOf: (address: string) => number): SignedExtrinsic[] {
    const found: SignedExtrinsic[] = []
    for (const [address, waiting] of this.#pending) {
      for (let nonce = nonceOf(address); waiting.has(nonce); nonce++)
        found.push(waiting.get(nonce)!.transaction)
    }
    return found
  }

  /** Tells the watcher that its transaction stands in a block, and forgets it. */
  included({ signer, nonce }: SignedExtrinsic, hash: string): void {
    const watcher = this.#remove(signer, nonce)?.watcher
    watcher?.({ inBlock: hash })
    watcher?.({ finalized: hash })
  }

  /** Drops what waited too long for a missing nonce. */
  expire(block: number): void {
    for (const [address, waiting] of this.#pending) {
      for (const [nonce, { since, watcher }] of waiting) {
        if (block - since <= MAX_WAIT_BLOCKS) continue
        this.#remove(address, nonce)
        watcher?.('invalid')
      }
    }
  }

  #remove(address: string, nonce: number): Pending | undefined {
    const waiting = this.#pending.get(address)
    const found = waiting?.get(nonce)
    if (found === undefined) return undefined
    waiting!.delete(nonce)
    this.#size--
    if (waiting!.size === 0) this.#pending.delete(address)
    return found
  }
}

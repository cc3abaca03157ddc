import type { Log } from '../../log.ts'
import { toHex } from '../hex.ts'
import { blake2 } from '../scale.ts'
import { executeBlock } from './block-author.ts'
import { nonceOf } from './calls/balances.ts'
import type { Block, ChainStore } from './chain-store.ts'
import { KEEP_BLOCKS } from './chain-store.ts'
import { type Blocks, openExtrinsic, type SignedExtrinsic } from './extrinsics.ts'
import { type Header, headerHash } from './header.ts'
import { Pool, type Watcher } from './pool.ts'
import { assertPoolTakes } from './pool-guard.ts'
import type { PulseSource } from './pulses.ts'
import type { Runtime } from './runtime.ts'
import { Storage } from './storage.ts'
import { type Changes, nextRoot, VersionedState } from './versioned-state.ts'

/** Blocks whose storage can still be read. */
const KEEP_STATES = 256

export interface DevNodeParts {
  readonly runtime: Runtime
  readonly store: ChainStore
  /** Recent blocks, oldest first; at least one. */
  readonly blocks: readonly Block[]
  readonly genesis: Block
  readonly state: Iterable<readonly [string, string]>
  readonly log: Log
  readonly nowMs: () => number
  readonly pulses?: PulseSource
}

export type BlockListener = (block: Block, changes: Changes) => void

/** The chain itself: its blocks, state and waiting transactions. One author, so a block is final at once. */
export class DevNode implements Blocks {
  readonly runtime: Runtime
  readonly state: VersionedState
  readonly storage: Storage
  readonly pool = new Pool()
  readonly listeners = new Set<BlockListener>()
  readonly #parts: DevNodeParts
  readonly #byNumber = new Map<number, Block>()
  readonly #byHash = new Map<string, Block>()
  #head: Block

  constructor(parts: DevNodeParts) {
    this.#parts = parts
    this.runtime = parts.runtime
    for (const block of [parts.genesis, ...parts.blocks]) this.#remember(block)
    this.#head = parts.blocks.at(-1) ?? parts.genesis
    this.state = new VersionedState(this.head, parts.state, KEEP_STATES)
    this.storage = new Storage(this.runtime, this.state)
  }

  get genesis(): string {
    return this.#parts.genesis.hash
  }

  /** The number of the newest block. */
  get head(): number {
    return this.#head.header.number
  }

  get newest(): Block {
    return this.#head
  }

  hashOf(number: number): string | undefined {
    return this.#byNumber.get(number)?.hash
  }

  block(hash: string): Block | undefined {
    return this.#byHash.get(hash)
  }

  nextNonce(address: string): number {
    return this.pool.nextNonce(address, nonceOf(this.storage, address))
  }

  /** Checks a transaction and lets it wait for the next block; throws the JSON-RPC error of a refusal. */
  submit(bytes: Uint8Array, watcher?: Watcher): SignedExtrinsic {
    const transaction = openExtrinsic(this.runtime, this, bytes)
    assertPoolTakes(this.storage, transaction)
    const nonce = nonceOf(this.storage, transaction.signer)
    this.pool.add(transaction, nonce, this.head, watcher)
    return transaction
  }

  /** Makes the next block: executed, stored, and only then shown. */
  async author(): Promise<Block> {
    const { storage } = this
    const number = this.head + 1
    const taken = this.pool.ready((address) => nonceOf(storage, address))
    const place = {
      number,
      parentHash: this.#head.hash,
      timeMs: this.#parts.nowMs(),
      netuids: storage.subnets(),
      pulses: this.#parts.pulses,
    }
    const block = await this.#store(place.parentHash, number, taken, () =>
      executeBlock(storage, place, taken, this.#parts.log),
    )
    for (const transaction of taken) this.pool.included(transaction, block.hash)
    this.pool.expire(number)
    return block
  }

  async #store(
    parentHash: string,
    number: number,
    taken: readonly SignedExtrinsic[],
    execute: () => void,
  ): Promise<Block> {
    execute()
    const changes = this.storage.take()
    const stateRoot = nextRoot(this.#head.header.stateRoot, changes)
    const extrinsics = taken.map(({ bytes }) => toHex(bytes))
    const extrinsicsRoot = toHex(blake2(...taken.map(({ bytes }) => bytes)))
    const header: Header = { parentHash, number, stateRoot, extrinsicsRoot }
    const block: Block = { hash: headerHash(header), header, extrinsics }
    await this.#parts.store.append(block, changes)
    this.state.apply(number, changes)
    this.#head = block
    this.#remember(block)
    this.#forget(number - KEEP_BLOCKS)
    for (const listener of this.listeners) listener(block, changes)
    return block
  }

  #remember(block: Block): void {
    this.#byNumber.set(block.header.number, block)
    this.#byHash.set(block.hash, block)
  }

  #forget(number: number): void {
    const old = number > 0 ? this.#byNumber.get(number) : undefined
    if (old === undefined) return
    this.#byNumber.delete(number)
    this.#byHash.delete(old.hash)
  }
}

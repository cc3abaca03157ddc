import type { BlockRef } from './block-ref.ts'

/** A transaction that stands in a finalized block and succeeded. */
export interface TxResult {
  readonly block: BlockRef
  /** Names of the events it caused, e.g. `subtensorModule.WeightsSet`. */
  readonly events: readonly string[]
}

/**
 * A signed transaction, each time the same bytes: kept before it is sent, it is found again by them or sent once more, never
 * twice.
 */
export interface SignedTx {
  /** As blocks hold it, its length in front; hex with 0x, as its hash is. */
  readonly bytes: string
  readonly hash: string
  /** SS58. */
  readonly signer: string
  readonly nonce: number
  /** The final block before it was signed: it stands in a later one. */
  readonly since: number
  /** The last block that may hold it. */
  readonly until: number
  /** The runtime it was signed for; another one takes it no more. */
  readonly specVersion: number
}

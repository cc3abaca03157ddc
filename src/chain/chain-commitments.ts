import type { BlockRef } from './block-ref.ts'
import type { Hotkey } from './keys.ts'
import type { TxResult } from './transaction.ts'

export interface Commitment {
  readonly bytes: Uint8Array
  readonly block: number
}

/** What a hotkey committed in one block, and where in it. */
export interface CommitmentPlace {
  readonly block: BlockRef
  /** Place of its transaction among those of the block; null when neither events nor transactions tell it. */
  readonly index: number | null
  readonly bytes: Uint8Array
  /** False when the endpoint has dropped the block's state: that the transaction succeeded is then not known. */
  readonly isCertain: boolean
}

/** What a chain keeps of each hotkey's own words. */
export interface ChainCommitments {
  /** Raw commitments of registered hotkeys by SS58; other kinds of data are left out. */
  commitments(netuid: number, at?: BlockRef): Promise<ReadonlyMap<string, Commitment>>
  /** What a hotkey, SS58, committed in one block, its last word there; undefined when nothing. */
  commitmentIn(netuid: number, hotkey: string, block: number): Promise<CommitmentPlace | undefined>
  /** The first block that takes a commitment of this hotkey, as far as the chain tells it beforehand (spec 218 does). */
  commitmentDue(netuid: number, hotkey: string): Promise<number>
  /** At most 128 bytes. */
  setCommitment(netuid: number, hotkey: Hotkey, bytes: Uint8Array): Promise<TxResult>
}

import type { SignedTx } from './transaction.ts'

interface PendingRow {
  readonly netuid: number
  readonly uids: readonly number[]
  readonly values: readonly number[]
  readonly versionKey: number
  /** The epoch index in which it was sent; a commit's reveal is counted from there. */
  readonly committedAt: number
  readonly signed?: SignedTx
}

/** Weights that are sent openly. */
export interface PendingDirect extends PendingRow {
  readonly way: 'direct'
}

/** Weights behind a hash, and what reveals them. */
export interface PendingReveal extends PendingRow {
  readonly way: 'hash'
  readonly salt: readonly number[]
}

/** Weights that the chain opens by itself once it has the pulse of `round`. */
export interface PendingTimelock extends PendingRow {
  readonly way: 'timelock'
  /** Hash of the encrypted bytes, hex with 0x, as `TimelockedCommit` has it. */
  readonly hash: string
  readonly round: number
}

/** Weights on their way, as they are kept before they are sent. */
export type PendingWeights = PendingDirect | PendingReveal | PendingTimelock

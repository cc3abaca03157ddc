import type { BlockRef } from './block-ref.ts'
import type { Hotkey } from './keys.ts'
import type { Epoch } from './metagraph.ts'
import type { PendingReveal, PendingTimelock, PendingWeights } from './pending-weights.ts'
import type { SignedTx, TxResult } from './transaction.ts'
import type { Refusal } from './weights-refusal.ts'

/** How a subnet wants its weights: openly, as a hash that is opened later, or encrypted to a round of a beacon. */
export type WeightsWay = 'direct' | 'hash' | 'timelock'

/** Pairs of uid and u16 weight, as the chain stores them. */
export type WeightRow = readonly (readonly [uid: number, weight: number])[]

/** What a subnet demands of a row. */
export interface RowLimits {
  /** Neurons of the subnet. */
  readonly neurons: number
  /** MinAllowedWeights; no more than there are neurons count. */
  readonly minWeights: number
  /** The greatest share of one weight, of 65535; 65535 is no limit. */
  readonly maxWeight: number
}

/** What decides whether, how and when one hotkey may set weights, read at one block. */
export interface WeightRules extends RowLimits {
  readonly block: BlockRef
  readonly epoch: Epoch
  /** Undefined when the hotkey is not registered in the subnet. */
  readonly uid: number | undefined
  readonly permit: boolean
  /** False when the hotkey's stake is below the chain's threshold, and it does not own the subnet. */
  readonly stakeSuffices: boolean
  /** Base units of alpha. */
  readonly stake: bigint
  readonly stakeThreshold: bigint
  /** Block of the last weights, commits included, or of the registration. */
  readonly lastUpdate: number
  /** Blocks between two of them. */
  readonly rateLimit: number
  readonly versionKey: number
  readonly way: WeightsWay
  /** Epochs from a commit to its reveal. */
  readonly revealPeriod: number
  /** Commits of this hotkey that can still be revealed. */
  readonly unrevealed: number
}

export interface WeightsOptions {
  readonly versionKey?: number
  /** Uids that take a weight of 1 each, in this order, where a row has fewer than the subnet demands. */
  readonly pad?: readonly number[]
  /** Called with what is about to be sent, signed, so that a crash loses nothing; again where it had to be signed anew. */
  readonly keep?: (pending: PendingWeights) => Promise<void>
}

/** What became of the weights of one epoch. */
export type WeightsOutcome =
  | ({ readonly kind: 'skipped' } & Refusal)
  | { readonly kind: 'direct'; readonly block: BlockRef; readonly weights: WeightRow }
  | {
      readonly kind: 'hash'
      readonly block: BlockRef
      readonly weights: WeightRow
      readonly reveal: PendingReveal
    }
  | {
      readonly kind: 'timelock'
      readonly block: BlockRef
      readonly weights: WeightRow
      readonly sealed: PendingTimelock
    }

/** A commit on chain, and when the chain takes its reveal. */
export interface CommitWindow {
  /** Hex with 0x. */
  readonly hash: string
  /** Whether a reveal sent now would be too early, taken, or too late. */
  readonly state: 'early' | 'open' | 'expired'
  /** First block whose transactions may reveal it; an expectation where epochs are counted in storage. */
  readonly opensAt: number
  /** First block that is too late, likewise. */
  readonly closesAt: number
}

/** Somebody's encrypted weights on chain. */
export interface TimelockedCommit {
  /** SS58. */
  readonly hotkey: string
  /** BLAKE2b-256 of the encrypted bytes, hex with 0x. */
  readonly hash: string
  /** The round of the beacon that opens them. */
  readonly round: number
  /** Block and epoch of the commit. */
  readonly block: number
  readonly epoch: number
  /** `open`: the epoch of its reveal has begun, and only its pulse is missing. */
  readonly state: 'early' | 'open' | 'expired'
  /** The block that is expected to reveal them. */
  readonly opensAt: number
  /** First block that is too late; when it is no later than `opensAt`, the pulse misses and they are lost. */
  readonly closesAt: number
}

/** What a chain takes of weights, and tells of them. */
export interface ChainWeights {
  /** Row per validator uid, of mechanism 0 unless told. */
  weights(
    netuid: number,
    at?: BlockRef,
    mechanism?: number,
  ): Promise<ReadonlyMap<number, WeightRow>>
  /** How many weight matrices a subnet has; 1 where the runtime knows no mechanisms. */
  mechanisms(netuid: number, at?: BlockRef): Promise<number>
  /** What decides whether, how and when a hotkey, SS58, may set weights. */
  weightRules(netuid: number, hotkey: string, at?: BlockRef): Promise<WeightRules>
  /** The hash commits of a hotkey, SS58, that stand on chain. */
  commitWindows(netuid: number, hotkey: string, at?: BlockRef): Promise<readonly CommitWindow[]>
  /** The timelocked weights of every hotkey that stand on chain; none on runtimes without them. */
  timelockedCommits(netuid: number, at?: BlockRef): Promise<readonly TimelockedCommit[]>
  /**
   * Sends weights by the way this subnet demands (direct, timelocked, or behind a hash), or says why the chain would refuse
   * them.
   */
  submitWeights(
    netuid: number,
    hotkey: Hotkey,
    weights: ReadonlyMap<number, number>,
    options?: WeightsOptions,
  ): Promise<WeightsOutcome>
  /**
   * What became of a transaction that was kept before it was sent: its final block, after sending the same bytes again where
   * it stands in none yet; undefined when it can stand in none any more. @throws CHAIN_DISPATCH when it failed in its block
   */
  resume(signed: SignedTx): Promise<TxResult | undefined>
  revealWeights(hotkey: Hotkey, reveal: PendingReveal): Promise<TxResult>
}

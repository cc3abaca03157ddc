import type { BlockRef } from './block-ref.ts'
import type { ChainAccounts } from './chain-accounts.ts'
import type { ChainCommitments } from './chain-commitments.ts'
import type { ChainEarnings } from './chain-earnings.ts'
import type { ChainWeights } from './chain-weights.ts'
import type { Hotkey } from './keys.ts'
import type { Epoch, Metagraph, YumaReading } from './metagraph.ts'
import type { TxResult } from './transaction.ts'

/** What the runtime can do, found by what its metadata holds, never by the network's name. */
export interface ChainFeatures {
  /** Several weight matrices per subnet (spec 424). */
  readonly mechanisms: boolean
  /** Weights encrypted to a drand round. */
  readonly timelock: boolean
  /** Epochs counted in storage instead of by block number modulo tempo. */
  readonly statefulEpochs: boolean
  /** The least stake to set weights is called StakeThreshold instead of WeightsMinStake. */
  readonly stakeThreshold: boolean
}

export interface ChainInfo {
  readonly specName: string
  readonly specVersion: number
  readonly features: ChainFeatures
  /** The endpoint that is asked, of those given. */
  readonly endpoint: string
}

/**
 * The ledger that says who is registered and takes weights. Reads are consistent at one block hash; a transaction
 * counts once its block is final. Every method may throw CHAIN_UNREACHABLE; transactions throw CHAIN_POOL (refused
 * before a block), CHAIN_DISPATCH (failed in its block), CHAIN_INNER (a call inside it failed) or CHAIN_TIMEOUT (outcome
 * unknown), with details {stage, error, raw, retry}: the runtime's name of the error, what it said, and when to try again
 * ('never', 'nextBlock', 'afterBlocks', 'nextEpoch').
 */
export interface Chain extends ChainWeights, ChainCommitments, ChainAccounts, ChainEarnings {
  /** 32 B. */
  readonly genesis: Uint8Array
  /** Another one after an upgrade of the runtime. */
  info(): ChainInfo
  head(): Promise<BlockRef>
  /** Number of the newest block, which may not be final yet. */
  bestBlock(): Promise<number>
  blockAt(number: number): Promise<BlockRef>
  /** Calls back for every finalized block from now on until `signal` aborts. */
  onHead(listener: (block: BlockRef) => void, signal: AbortSignal): Promise<void>
  metagraph(netuid: number, at?: BlockRef): Promise<Metagraph>
  epoch(netuid: number, at?: BlockRef): Promise<Epoch>
  /** All that the next epoch depends on, as it stands now. */
  yuma(netuid: number, at?: BlockRef): Promise<YumaReading>
  /** Rao that a registration burns at this moment. */
  registrationCost(netuid: number): Promise<bigint>
  /** Registers a hotkey by burning from the coldkey's balance. */
  register(netuid: number, coldkey: Hotkey, hotkey: string): Promise<TxResult>
  close(): Promise<void>
}

import type { Hotkey } from './keys.ts'
import type { Refusal } from './weights-refusal.ts'
import type { Scenario } from './yuma/scenario.ts'

/** A block by number and by its 32-byte hash in hex with 0x. */
export interface BlockRef {
  readonly number: number
  readonly hash: string
}

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

/** One registered hotkey of a subnet; u16 figures are proportions of 65535. */
export interface Neuron {
  readonly uid: number
  /** SS58. */
  readonly hotkey: string
  /** 32 B. */
  readonly hotkeyPublicKey: Uint8Array
  /** SS58 of the owner. */
  readonly coldkey: string
  /** Alpha base units staked on this hotkey in this subnet. */
  readonly stake: bigint
  readonly validatorPermit: boolean
  readonly active: boolean
  /** Block of the last weights (or of registration). */
  readonly lastUpdate: number
  readonly registeredAt: number
  readonly incentive: number
  readonly dividends: number
  /** Alpha base units of the last epoch. */
  readonly emission: bigint
}

/** A subnet read at one block hash. */
export interface Metagraph {
  readonly netuid: number
  readonly block: BlockRef
  /** When the block was made, by the chain's own clock, Unix ms; undefined on a chain that has none. */
  readonly timeMs?: number | undefined
  /** The uid of the subnet owner's hotkey, whose share is burned; undefined when it is not registered. */
  readonly ownerUid: number | undefined
  /** Blocks after its last weights at which a validator stops counting as active. */
  readonly activityCutoff: number
  /** Index = uid. */
  readonly neurons: readonly Neuron[]
}

/** What the next epoch of a subnet will work on, and what it shares out at the present rate. */
export interface YumaReading extends Scenario {
  readonly block: BlockRef
}

export interface Epoch {
  /** Counts up by one per epoch. */
  readonly index: number
  readonly tempo: number
  /** Block of the last epoch. */
  readonly last: number
  /** Block at which the next one is due. */
  readonly next: number
  readonly blocksLeft: number
}

/** A transaction that stands in a finalized block and succeeded. */
export interface TxResult {
  readonly block: BlockRef
  /** Names of the events it caused, e.g. `subtensorModule.WeightsSet`. */
  readonly events: readonly string[]
}

/** How a subnet wants its weights: openly, as a hash that is opened later, or encrypted to a round of a beacon. */
export type WeightsWay = 'direct' | 'hash' | 'timelock'

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

/** Pairs of uid and u16 weight, as the chain stores them. */
export type WeightRow = readonly (readonly [uid: number, weight: number])[]

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

export interface WeightsOptions {
  readonly versionKey?: number
  /** Uids that take a weight of 1 each, in this order, where a row has fewer than the subnet demands. */
  readonly pad?: readonly number[]
  /** Called with what is about to be sent, signed, so that a crash loses nothing; again where it had to be signed anew. */
  readonly keep?: (pending: PendingWeights) => Promise<void>
}

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

/** What a hotkey got in one epoch. */
export type EpochEarning =
  | {
      readonly state: 'read'
      readonly epoch: number
      /** At which the epoch fired. */
      readonly block: number
      readonly uid: number
      /** Alpha base units. */
      readonly emission: bigint
      /** Of 65535, in mechanism 0. */
      readonly incentive: number
      /** The same in each of the subnet's mechanisms; one where there are none beside mechanism 0. */
      readonly incentives: readonly number[]
      readonly dividends: number
      /** Alpha base units on the hotkey, whoever staked them. */
      readonly stake: bigint
      /** Rao that one whole alpha cost then; undefined where the chain tells none. */
      readonly priceRao?: bigint | undefined
    }
  | { readonly state: 'unregistered'; readonly epoch: number; readonly block: number }
  /** The endpoint has dropped that state. */
  | { readonly state: 'discarded'; readonly epoch: number; readonly block: number | null }

/** Alpha to be taken off a hotkey for good. */
export interface BurnOrder {
  /** SS58. */
  readonly hotkey: string
  /** Base units. */
  readonly alpha: bigint
  /** What is burned counts as issued for ever, what is recycled may be emitted again. */
  readonly kind: 'burned' | 'recycled'
}

/** Alpha that was taken off a hotkey. */
export interface AlphaBurn extends BurnOrder {
  readonly block: number
  /** SS58 of who gave it up: anybody who had staked on the hotkey. */
  readonly coldkey: string
}

/** What the events of some blocks say about burned alpha. */
export interface BurnReading {
  /** The first block that was read: a later one than was asked for where the endpoint has dropped older states. */
  readonly from: number
  /** The last; `from` - 1 where none could be read. */
  readonly to: number
  /** Oldest first. */
  readonly burns: readonly AlphaBurn[]
}

/** One coldkey's stake on a hotkey. */
export interface Nominator {
  /** SS58. */
  readonly coldkey: string
  /** Alpha base units. */
  readonly stake: bigint
}

/** Who staked on a hotkey in one subnet, and what they have of it. */
export interface Delegation {
  /** SS58. */
  readonly hotkey: string
  readonly block: number
  /** SS58 of the coldkey that gets the take; undefined for a hotkey that nobody registered. */
  readonly owner: string | undefined
  /** Of 65535: what the owner keeps of dividends before the rest is shared out. */
  readonly take: number
  /** Alpha base units on the hotkey. */
  readonly stake: bigint
  /** Alpha base units of the last epoch that went to all nominators by their stake; undefined where the runtime keeps none. */
  readonly shared: bigint | undefined
  /** The most first; the owner's own stake is among them. */
  readonly nominators: readonly Nominator[]
}

/** What an account holds. */
export interface AccountFunds {
  readonly freeRao: bigint
  /** Deposits and the like, which come back. */
  readonly reservedRao: bigint
}

/** A call that takes from a coldkey's balance. */
export type PaidCall =
  | { readonly kind: 'transfer'; readonly to: string; readonly rao: bigint }
  | { readonly kind: 'register'; readonly netuid: number; readonly hotkey: string }
  | {
      readonly kind: 'stake'
      readonly netuid: number
      readonly hotkey: string
      readonly rao: bigint
    }

/**
 * The ledger that says who is registered and takes weights. Reads are consistent at one block hash; a transaction
 * counts once its block is final. Every method may throw CHAIN_UNREACHABLE; transactions throw CHAIN_POOL (refused
 * before a block), CHAIN_DISPATCH (failed in its block), CHAIN_INNER (a call inside it failed) or CHAIN_TIMEOUT (outcome
 * unknown), with details {stage, error, raw, retry}: the runtime's name of the error, what it said, and when to try again
 * ('never', 'nextBlock', 'afterBlocks', 'nextEpoch').
 */
export interface Chain {
  /** 32 B. */
  readonly genesis: Uint8Array
  /** Another one after an upgrade of the runtime. */
  info(): ChainInfo
  head(): Promise<BlockRef>
  blockAt(number: number): Promise<BlockRef>
  /** Calls back for every finalized block from now on until `signal` aborts. */
  onHead(listener: (block: BlockRef) => void, signal: AbortSignal): Promise<void>
  metagraph(netuid: number, at?: BlockRef): Promise<Metagraph>
  epoch(netuid: number, at?: BlockRef): Promise<Epoch>
  /** Row per validator uid, of mechanism 0 unless told. */
  weights(
    netuid: number,
    at?: BlockRef,
    mechanism?: number,
  ): Promise<ReadonlyMap<number, WeightRow>>
  /** How many weight matrices a subnet has; 1 where the runtime knows no mechanisms. */
  mechanisms(netuid: number, at?: BlockRef): Promise<number>
  /** All that the next epoch depends on, as it stands now. */
  yuma(netuid: number, at?: BlockRef): Promise<YumaReading>
  /** Raw commitments of registered hotkeys by SS58; other kinds of data are left out. */
  commitments(netuid: number, at?: BlockRef): Promise<ReadonlyMap<string, Commitment>>
  /** What a hotkey, SS58, committed in one block, its last word there; undefined when nothing. */
  commitmentIn(netuid: number, hotkey: string, block: number): Promise<CommitmentPlace | undefined>
  /** The first block that takes a commitment of this hotkey, as far as the chain tells it beforehand (spec 218 does). */
  commitmentDue(netuid: number, hotkey: string): Promise<number>
  /** At most 128 bytes. */
  setCommitment(netuid: number, hotkey: Hotkey, bytes: Uint8Array): Promise<TxResult>
  /** Rao that a registration burns at this moment. */
  registrationCost(netuid: number): Promise<bigint>
  /** Registers a hotkey by burning from the coldkey's balance. */
  register(netuid: number, coldkey: Hotkey, hotkey: string): Promise<TxResult>
  addStake(netuid: number, coldkey: Hotkey, hotkey: string, rao: bigint): Promise<TxResult>
  /** Leaves at least the existential deposit with the sender. */
  transfer(from: Hotkey, to: string, rao: bigint): Promise<TxResult>
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
  /** The newest so many epochs of a hotkey, oldest first. */
  earnings(netuid: number, hotkey: string, epochs: number): Promise<readonly EpochEarning[]>
  /** Alpha base units that a coldkey has in a subnet, by hotkey, its own hotkeys or others'. */
  stakesOf(netuid: number, coldkey: string, at?: BlockRef): Promise<ReadonlyMap<string, bigint>>
  /** Who staked on a hotkey, after this block (the newest final one unless told). */
  delegation(netuid: number, hotkey: string, block?: number): Promise<Delegation>
  /**
   * Alpha burned and recycled on a subnet in the blocks `from` to `to`, by their events; at most 7200 blocks at a time
   * (BAD_CONFIG_BLOCKS), each of them two requests.
   */
  burnedAlpha(
    netuid: number,
    blocks: { readonly from: number; readonly to: number },
  ): Promise<BurnReading>
  /** Burns or recycles alpha that the coldkey has on a hotkey, at most what is there. CHAIN_UNSUPPORTED on old runtimes. */
  burnAlpha(netuid: number, coldkey: Hotkey, burn: BurnOrder): Promise<TxResult>
  /** Free rao. */
  balance(address: string): Promise<bigint>
  funds(address: string): Promise<AccountFunds>
  /** Rao that the runtime would take for a call besides what it moves; an estimate, since fees follow the load. */
  fee(payer: string, call: PaidCall): Promise<bigint>
  close(): Promise<void>
}

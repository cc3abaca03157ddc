import type { Hotkey } from './keys.ts'
import type { TxResult } from './transaction.ts'

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

/** What hotkeys were paid on a chain, and what of it was given up. */
export interface ChainEarnings {
  /** The newest so many epochs of a hotkey, oldest first. */
  earnings(netuid: number, hotkey: string, epochs: number): Promise<readonly EpochEarning[]>
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
}

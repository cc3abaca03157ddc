import type { BlockRef } from './block-ref.ts'
import type { Scenario } from './yuma/scenario.ts'

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

/** What the next epoch of a subnet will work on, and what it shares out at the present rate. */
export interface YumaReading extends Scenario {
  readonly block: BlockRef
}

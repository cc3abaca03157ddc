import type { BlockRef } from './block-ref.ts'
import type { Hotkey } from './keys.ts'
import type { TxResult } from './transaction.ts'

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

/** What coldkeys hold and pay on a chain. */
export interface ChainAccounts {
  /** Leaves at least the existential deposit with the sender. */
  transfer(from: Hotkey, to: string, rao: bigint): Promise<TxResult>
  /** Free rao. */
  balance(address: string): Promise<bigint>
  funds(address: string): Promise<AccountFunds>
  /** Rao that the runtime would take for a call besides what it moves; an estimate, since fees follow the load. */
  fee(payer: string, call: PaidCall): Promise<bigint>
  addStake(netuid: number, coldkey: Hotkey, hotkey: string, rao: bigint): Promise<TxResult>
  /** Alpha base units that a coldkey has in a subnet, by hotkey, its own hotkeys or others'. */
  stakesOf(netuid: number, coldkey: string, at?: BlockRef): Promise<ReadonlyMap<string, bigint>>
  /** Who staked on a hotkey, after this block (the newest final one unless told). */
  delegation(netuid: number, hotkey: string, block?: number): Promise<Delegation>
}

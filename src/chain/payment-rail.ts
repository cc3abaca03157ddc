/** What a ledger holds for one lease. */
export interface Escrow {
  readonly leaseId: Uint8Array
  /** ed25519 keys of the peers, 32 B. */
  readonly renter: Uint8Array
  readonly miner: Uint8Array
  /** Base units locked when it was opened. */
  readonly deposit: bigint
  /** Base units that went to the miner. */
  readonly claimed: bigint
  /** Unix ms; from then on the renter may take it back. */
  readonly expiresAtMs: number
  readonly state: 'open' | 'closed'
}

/** What the renter locks: at most this much can ever be claimed. */
export interface EscrowTerms {
  readonly leaseId: Uint8Array
  readonly miner: Uint8Array
  readonly deposit: bigint
  /** Unix ms; the renter may take back what is left after it. */
  readonly expiresAtMs: number
}

/** The renter's consent that `cumulative` base units of a lease's escrow are the miner's. */
export interface Voucher {
  readonly leaseId: Uint8Array
  readonly cumulative: bigint
  readonly signature: Uint8Array
}

/**
 * How money moves for a lease, as one peer key. A ledger that holds an escrow pays what the renter signed, and
 * nothing else. Every method may throw CHAIN_*; repeating one changes nothing.
 */
export interface PaymentRail {
  /** As terms name it, e.g. `dev`. */
  readonly name: string
  readonly asset: string
  openEscrow(terms: EscrowTerms): Promise<void>
  escrow(leaseId: Uint8Array): Promise<Escrow | undefined>
  signVoucher(leaseId: Uint8Array, cumulative: bigint): Uint8Array
  checkVoucher(voucher: Voucher & { readonly renter: Uint8Array }): boolean
  /** The miner closes the escrow: what the voucher says is paid, the rest goes back. Without one, all goes back. */
  settle(leaseId: Uint8Array, voucher: Voucher | undefined): Promise<Escrow>
  /** The renter takes back what is left after the escrow's expiry. */
  reclaim(leaseId: Uint8Array): Promise<Escrow>
  /** Base units of this peer that no escrow holds. */
  balance(): Promise<bigint>
  close(): void
}

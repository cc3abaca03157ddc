/** What a rail can do, for who chooses one. */
export interface RailCaps {
  readonly asset: string
  /** What holds a deposit, if anything does. */
  readonly escrow: 'none' | 'multisig-2of3' | 'contract' | 'ledger'
  /** Whether an escrow pays what its renter signed, without another word of it. */
  readonly vouchers: boolean
  readonly privatePayments: boolean
  /** Seconds until a payment is usually final. */
  readonly settleSeconds: number
  /** Base units; less than this cannot be paid. */
  readonly minPayment: bigint
  /** Base units that a payment usually costs its payer on top. */
  readonly feePerPayment: bigint
}

/** What a payee asks for. Its id stands for every other field: a payment names the id alone. */
export interface Invoice {
  /** 32 B. */
  readonly id: Uint8Array
  readonly leaseId: Uint8Array
  /** Which payment of the lease it is, from 1. */
  readonly seq: number
  readonly amount: bigint
  readonly asset: string
  /** As the rail writes its addresses. */
  readonly payTo: string
  /** Unix ms; what is paid later counts as failed. */
  readonly expiresAtMs: number
}

/** What a payer hands over, so that anyone can look a payment up. */
export interface PaymentProof {
  readonly rail: string
  readonly txid: string
  /** Where the rail's payments are private: what opens this one. */
  readonly proof?: string
}

/** `reversed`: it was seen, and is undone. */
export interface PaymentState {
  readonly state: 'unseen' | 'pending' | 'confirmed' | 'failed' | 'reversed'
  /** Base units that count for the invoice. */
  readonly amount: bigint
  readonly confirmations: number
  readonly txid?: string
  /** Why it failed. */
  readonly reason?: string
}

/** One share of a payout. */
export interface Share {
  readonly address: string
  readonly amount: bigint
}

/** What a ledger holds for one lease. */
export interface Escrow {
  readonly leaseId: Uint8Array
  /** ed25519 keys of the peers, 32 B. */
  readonly renter: Uint8Array
  readonly miner: Uint8Array
  /** Base units locked, with all that was added. */
  readonly deposit: bigint
  /** Base units that were taken for the miner, the fee included. */
  readonly claimed: bigint
  /** Unix ms; from then on the renter may take it back. */
  readonly expiresAtMs: number
  readonly state: 'open' | 'disputed' | 'closed'
  /** Who decides what is disputed, 32 B; without one nothing can be disputed. */
  readonly arbiter?: Uint8Array
}

/** What the renter locks: at most this much can ever be claimed. */
export interface EscrowTerms {
  readonly leaseId: Uint8Array
  readonly miner: Uint8Array
  readonly deposit: bigint
  /** Unix ms; the renter may take back what is left after it. */
  readonly expiresAtMs: number
  readonly arbiter?: Uint8Array | undefined
  /** A share of what the miner is paid, in 1/10,000, taken of the sum: many small steps cost what one does. */
  readonly fee?: { readonly bps: number; readonly to: Uint8Array } | undefined
}

/** The renter's consent that `cumulative` base units of a lease's escrow are the miner's. */
export interface Voucher {
  readonly leaseId: Uint8Array
  readonly cumulative: bigint
  readonly signature: Uint8Array
}

/**
 * The renter's consent, given before the service, that the miner takes up to `limit` base units of a lease's escrow. What
 * it takes it states under its own signature, beside the receipts it signed.
 */
export interface Advance {
  readonly leaseId: Uint8Array
  readonly limit: bigint
  readonly signature: Uint8Array
}

/** What a miner closes an escrow with: exactly what a voucher says, or an amount within an advance. */
export type Claim =
  | { readonly voucher: Voucher }
  | { readonly advance: Advance; readonly cumulative: bigint }

/** An arbiter's word on a disputed escrow: so much is the miner's in all. */
export interface Ruling {
  readonly leaseId: Uint8Array
  readonly toMiner: bigint
  readonly signature: Uint8Array
}

/** Deposits: a ledger that holds one pays what the renter signed, and nothing else. Repeating a call changes nothing. */
export interface EscrowRail {
  open(terms: EscrowTerms): Promise<void>
  inspect(leaseId: Uint8Array): Promise<Escrow | undefined>
  /** The renter makes the deposit at least `deposit` in all and the expiry at least `expiresAtMs`; less changes nothing. */
  topUp(more: Pick<EscrowTerms, 'leaseId' | 'deposit' | 'expiresAtMs'>): Promise<Escrow>
  signVoucher(leaseId: Uint8Array, cumulative: bigint): Uint8Array
  checkVoucher(voucher: Voucher & { readonly renter: Uint8Array }): boolean
  signAdvance(leaseId: Uint8Array, limit: bigint): Uint8Array
  checkAdvance(advance: Advance & { readonly renter: Uint8Array }): boolean
  /** The miner takes what a voucher says, and the escrow stays open; less than before changes nothing. */
  claim(voucher: Voucher): Promise<Escrow>
  /** The miner closes the escrow: what the claim says is paid, the rest goes back. Without one, all goes back. */
  settle(leaseId: Uint8Array, claim: Claim | undefined): Promise<Escrow>
  /** A party stops settlement: vouchers can still be claimed, the arbiter decides the rest. */
  dispute(leaseId: Uint8Array): Promise<Escrow>
  /** The arbiter's word; no less than what was claimed already can be ruled. */
  signRuling(leaseId: Uint8Array, toMiner: bigint): Ruling
  /** Either party carries the ruling out, which closes the escrow. */
  resolve(ruling: Ruling): Promise<Escrow>
  /** The renter takes back what is left after the escrow's expiry, disputed or not: money is never stuck. */
  reclaim(leaseId: Uint8Array): Promise<Escrow>
}

/**
 * How money moves, as one peer key (notes/payments.md §5). Every method may throw CHAIN_*; repeating one changes
 * nothing. test/support/rail-conformance.ts is what every rail passes.
 */
export interface PaymentRail {
  /** As terms name it, e.g. `dev`. */
  readonly name: string
  readonly caps: RailCaps
  /** Resolves once the rail has answered and proved to be the one of this network. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Payee: asks for an amount, to be paid within `ttlMs`. */
  invoice(asked: {
    readonly leaseId: Uint8Array
    readonly seq: number
    readonly amount: bigint
    readonly ttlMs: number
  }): Promise<Invoice>
  /** Payer: pays it, once however often it is asked; CHAIN_REFUSED for one that has expired. */
  pay(invoice: Invoice): Promise<PaymentProof>
  /** Payee: where the payment stands, with or without its proof; asked again, it may go back to `reversed`. */
  status(invoice: Invoice, proof?: PaymentProof): Promise<PaymentState>
  /** Anyone: what a proof shows of an invoice, without being a party. */
  verify(invoice: Invoice, proof: PaymentProof): Promise<PaymentState>
  /** Base units of this peer: all, and what it can spend now. */
  balance(): Promise<{ readonly total: bigint; readonly spendable: bigint }>
  /** Pays several at once, all or none; the same note again changes nothing. */
  payout(to: readonly Share[], note: string): Promise<PaymentProof>
  readonly escrow?: EscrowRail
}

/** A rail that holds deposits, which is what a lease is paid over today. */
export type DepositRail = PaymentRail & { readonly escrow: EscrowRail }

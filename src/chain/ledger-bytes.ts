/**
 * What the parties of an escrow sign: a domain, the chain's genesis, then fields of fixed width, so that nothing signed
 * for one purpose or chain means anything for another.
 */
const domain = (name: string, version = 1): Uint8Array =>
  Buffer.from(`compute-node/ledger/${name}/${version}\0`)

/** Amounts on the ledger are below 2^64 base units. */
export const MAX_AMOUNT = 2n ** 64n - 1n

function u64(n: bigint): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(n)
  return bytes
}

/** An escrow as its renter signs it. */
export interface OpenFields {
  readonly leaseId: Uint8Array
  readonly renter: Uint8Array
  readonly miner: Uint8Array
  readonly deposit: bigint
  readonly expiresAtMs: number
  readonly arbiter?: Uint8Array | undefined
  readonly fee?: { readonly bps: number; readonly to: Uint8Array } | undefined
}

const NOBODY = new Uint8Array(32)

/** Signed by the renter to lock its deposit; version 2 of it names an arbiter, a fee, or both. */
export function openBytes(genesis: Uint8Array, fields: OpenFields): Uint8Array {
  const { arbiter, fee } = fields
  const isPlain = arbiter === undefined && fee === undefined
  return Buffer.concat([
    domain('open', isPlain ? 1 : 2),
    genesis,
    fields.leaseId,
    fields.renter,
    fields.miner,
    u64(fields.deposit),
    u64(BigInt(fields.expiresAtMs)),
    ...(isPlain ? [] : [arbiter ?? NOBODY, u64(BigInt(fee?.bps ?? 0)), fee?.to ?? NOBODY]),
  ])
}

/** Signed by the renter: the deposit in all, and the expiry, that its escrow shall have at least. */
export const topUpBytes = (
  genesis: Uint8Array,
  leaseId: Uint8Array,
  deposit: bigint,
  expiresAtMs: number,
): Uint8Array =>
  Buffer.concat([domain('topUp'), genesis, leaseId, u64(deposit), u64(BigInt(expiresAtMs))])

/** Signed by the renter: so much of the escrow is the miner's. */
export const voucherBytes = (
  genesis: Uint8Array,
  leaseId: Uint8Array,
  cumulative: bigint,
): Uint8Array => Buffer.concat([domain('voucher'), genesis, leaseId, u64(cumulative)])

/** Signed by the renter: the miner may take up to so much of the escrow, by its own word. */
export const advanceBytes = (genesis: Uint8Array, leaseId: Uint8Array, limit: bigint): Uint8Array =>
  Buffer.concat([domain('advance'), genesis, leaseId, u64(limit)])

/** Signed by the miner to take what a voucher says and leave the escrow open. */
export const claimBytes = (
  genesis: Uint8Array,
  leaseId: Uint8Array,
  cumulative: bigint,
): Uint8Array => Buffer.concat([domain('claim'), genesis, leaseId, u64(cumulative)])

/** Signed by a party of an escrow that disputes it. */
export const disputeBytes = (genesis: Uint8Array, leaseId: Uint8Array): Uint8Array =>
  Buffer.concat([domain('dispute'), genesis, leaseId])

/** Signed by the arbiter of a disputed escrow. */
export const rulingBytes = (
  genesis: Uint8Array,
  leaseId: Uint8Array,
  toMiner: bigint,
): Uint8Array => Buffer.concat([domain('ruling'), genesis, leaseId, u64(toMiner)])

/** What an invoice's id is the SHA-256 of. */
export const invoiceBytes = (
  genesis: Uint8Array,
  invoice: {
    readonly leaseId: Uint8Array
    readonly seq: number
    readonly amount: bigint
    readonly payTo: Uint8Array
    readonly expiresAtMs: number
  },
): Uint8Array =>
  Buffer.concat([
    domain('invoice'),
    genesis,
    invoice.leaseId,
    u64(BigInt(invoice.seq)),
    u64(invoice.amount),
    invoice.payTo,
    u64(BigInt(invoice.expiresAtMs)),
  ])

/** Signed by who pays; its SHA-256 is the payment's id. The note (32 B) makes it one of its payer's payments for good. */
export const payBytes = (
  genesis: Uint8Array,
  payment: {
    readonly from: Uint8Array
    readonly note: Uint8Array
    readonly outputs: readonly { readonly to: Uint8Array; readonly amount: bigint }[]
  },
): Uint8Array =>
  Buffer.concat([
    domain('pay'),
    genesis,
    payment.from,
    payment.note,
    ...payment.outputs.flatMap(({ to, amount }) => [to, u64(amount)]),
  ])

/** Signed by the embedded chain's own account to undo a payment, as a reorganisation would. */
export const reverseBytes = (genesis: Uint8Array, txid: Uint8Array): Uint8Array =>
  Buffer.concat([domain('reverse'), genesis, txid])

/** Signed by the miner to close an escrow with what was vouched for. */
export const settleBytes = (
  genesis: Uint8Array,
  leaseId: Uint8Array,
  cumulative: bigint,
): Uint8Array => Buffer.concat([domain('settle'), genesis, leaseId, u64(cumulative)])

/** Signed by the renter to take back what is left after the expiry. */
export const reclaimBytes = (genesis: Uint8Array, leaseId: Uint8Array): Uint8Array =>
  Buffer.concat([domain('reclaim'), genesis, leaseId])

/** Signed by whoever asks the faucet for its one grant. */
export const faucetBytes = (genesis: Uint8Array, account: Uint8Array): Uint8Array =>
  Buffer.concat([domain('faucet'), genesis, account])

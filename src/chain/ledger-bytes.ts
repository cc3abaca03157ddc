/**
 * What the parties of an escrow sign: a domain, the chain's genesis, then fields of fixed width, so that nothing signed
 * for one purpose or chain means anything for another.
 */
const domain = (name: string): Uint8Array => Buffer.from(`compute-node/ledger/${name}/1\0`)

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
}

/** Signed by the renter to lock its deposit. */
export const openBytes = (genesis: Uint8Array, fields: OpenFields): Uint8Array =>
  Buffer.concat([
    domain('open'),
    genesis,
    fields.leaseId,
    fields.renter,
    fields.miner,
    u64(fields.deposit),
    u64(BigInt(fields.expiresAtMs)),
  ])

/** Signed by the renter: so much of the escrow is the miner's. */
export const voucherBytes = (
  genesis: Uint8Array,
  leaseId: Uint8Array,
  cumulative: bigint,
): Uint8Array => Buffer.concat([domain('voucher'), genesis, leaseId, u64(cumulative)])

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

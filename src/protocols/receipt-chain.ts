import { z } from 'zod'
import { NodeError } from '../errors.ts'
import { MiB } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { MAX_EXTENSIONS, openExtensions, signedExtension, unextended } from './extension.ts'
import { bytesUpTo } from './fields.ts'
import { acceptReceipt, renterMeter } from './metering.ts'
import type { Network } from './network.ts'
import { keyOfPeerId } from './peer-key.ts'
import {
  type Ending,
  openReceipt,
  RECEIPT_MAX_BYTES,
  type Receipt,
  receiptCodec,
} from './receipts.ts'
import { leaseIdOf, openTerms, TERMS_MAX_BYTES, type Terms } from './terms.ts'

/** A lease as evidence: the terms as each party signed them, every receipt, and the newest countersignature. */
const file = z.looseObject({
  minerTerms: bytesUpTo(TERMS_MAX_BYTES),
  renterTerms: bytesUpTo(TERMS_MAX_BYTES),
  receipts: z.array(bytesUpTo(RECEIPT_MAX_BYTES)).max(1_000_000),
  /** The renter's signature over one of the receipts; it acknowledges all up to it. */
  countersigned: bytesUpTo(RECEIPT_MAX_BYTES).optional(),
  /** Every extension that counts, in order. */
  extensions: z.array(signedExtension).max(MAX_EXTENSIONS).optional(),
})

export const receiptFileCodec = cborCodec(file, 256 * MiB)
export type ReceiptFile = Message<typeof receiptFileCodec>

export interface VerifiedChain {
  readonly leaseId: Uint8Array
  /** The terms, with the duration and the cap of the newest extension. */
  readonly terms: Terms
  readonly extensions: number
  readonly seq: number
  readonly upMs: number
  /** What the miner claims, base units. */
  readonly claimed: bigint
  readonly acknowledgedSeq: number
  /** What the renter countersigned, base units. */
  readonly acknowledged: bigint
  /** Why the lease ended, when the final receipt is here. */
  readonly final?: Ending
}

/**
 * Checks a lease's whole record without asking anybody: both signatures on the terms and on each extension, every link
 * of the chains, every amount, and the countersignature.
 * @throws BAD_MESSAGE or PEER_RECEIPT_*; `details.receipt` is the place of the first receipt that is wrong, from 1
 */
export function verifyReceiptChain(net: Network, evidence: ReceiptFile): VerifiedChain {
  const { payload: first } = openTerms(net, evidence.minerTerms, 'miner')
  const leaseId = leaseIdOf(net, first)
  const renterTerms = openTerms(net, evidence.renterTerms, 'renter').payload
  if (Buffer.compare(leaseIdOf(net, renterTerms), leaseId) !== 0) {
    throw new NodeError('BAD_MESSAGE', 'the two parties signed different terms')
  }
  const extended = openExtensions(net, unextended(leaseId, first), evidence.extensions ?? [])
  // A price per hour and no other: what was owed before an extension is the same under it.
  const { terms } = extended
  const miner = keyOfPeerId(terms.miner)
  const acknowledged = acknowledgement(net, terms, evidence)
  let meter = renterMeter(leaseId)
  let claimed = 0n
  let final: Ending | undefined
  let acknowledgedUnits: bigint | undefined
  for (const [index, record] of evidence.receipts.entries()) {
    const signed = placed(index + 1, () => {
      const receipt = openReceipt(net, record, miner)
      meter = acceptReceipt(meter, terms, receipt)
      return receipt
    })
    claimed = BigInt(signed.payload.cumulative)
    final = signed.payload.final
    if (acknowledged !== undefined && samePayload(signed.payload, acknowledged)) {
      acknowledgedUnits = claimed
    }
  }
  if (acknowledged !== undefined && acknowledgedUnits === undefined) {
    throw new NodeError('BAD_MESSAGE', 'the countersignature is of no receipt in this chain')
  }
  return {
    leaseId,
    terms,
    extensions: extended.seq,
    seq: meter.seq,
    upMs: meter.upMs,
    claimed,
    acknowledgedSeq: acknowledged?.seq ?? 0,
    acknowledged: acknowledgedUnits ?? 0n,
    ...(final === undefined ? {} : { final }),
  }
}

/** Work on one receipt, whose place is told with what is wrong with it. */
function placed<T>(receipt: number, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (!(cause instanceof NodeError)) throw cause
    const { code, message, next, details } = cause
    const step = next === undefined ? {} : { next }
    throw new NodeError(code, message, { ...details, ...step, receipt, cause })
  }
}

// A record's id contains its signer's key, so a receipt and its countersignature are compared by what they sign.
const samePayload = (a: Receipt, b: Receipt): boolean =>
  Buffer.compare(receiptCodec.encode(a), receiptCodec.encode(b)) === 0

function acknowledgement(net: Network, terms: Terms, evidence: ReceiptFile) {
  if (evidence.countersigned === undefined) return undefined
  return openReceipt(net, evidence.countersigned, keyOfPeerId(terms.renter)).payload
}

import { z } from 'zod'
import { NodeError } from '../errors.ts'
import { healths, leaseStates } from '../lease-states.ts'
import { KiB, secondsMs } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import {
  baseUnits,
  bytes,
  bytesUpTo,
  codeName,
  integer,
  MAX_REASON,
  text,
  timeMs,
} from './fields.ts'
import type { Network } from './network.ts'
import { defineProtocol } from './protocol.ts'
import { type RecordKey, sealRecord } from './seal.ts'
import { openRecord, recordTypes, type Signed } from './signed.ts'

/** What was used so far, by the miner's clock. The renter signs the same payload: that is the countersignature. */
const receipt = z.looseObject({
  leaseId: bytes(32),
  /** From 1, without gaps. */
  seq: integer(1, Number.MAX_SAFE_INTEGER),
  atMs: timeMs(),
  /** All time served so far; time in which the miner was down is not in it. */
  upMs: integer(0, Number.MAX_SAFE_INTEGER),
  /** Owed for `upMs`, in base units, at most the terms' cap. */
  cumulative: baseUnits(),
  /** The id of the receipt before, as the miner signed it; the lease id for the first. */
  prev: bytes(32),
  /**
   * Only in the last one: whether it ended as agreed, why, and the code that says whose doing it was (lease-endings.ts;
   * absent in receipts of an earlier version).
   */
  final: z
    .looseObject({
      outcome: z.enum(['ended', 'failed']),
      reason: text(MAX_REASON),
      code: codeName().optional(),
    })
    .optional(),
})

/** At most this many bytes, as a signed record. */
export const RECEIPT_MAX_BYTES = 2 * KiB

export const receiptCodec = cborCodec(receipt, RECEIPT_MAX_BYTES - 256)
export type Receipt = Message<typeof receiptCodec>
export type Ending = NonNullable<Receipt['final']>

/** Signs a receipt: as the miner to issue it, as the renter to countersign it. */
export const sealReceipt = (net: Network, key: RecordKey, value: Receipt): Signed<Receipt> =>
  sealRecord(net, recordTypes.receipt, receiptCodec, key, value)

/** Opens a receipt that the holder of `publicKey` signed; BAD_MESSAGE otherwise. */
export function openReceipt(
  net: Network,
  record: Uint8Array,
  publicKey: Uint8Array,
): Signed<Receipt> {
  const signed = openRecord(net, recordTypes.receipt, receiptCodec, record)
  if (Buffer.compare(signed.publicKey, publicKey) !== 0) {
    throw new NodeError('BAD_MESSAGE', 'the receipt is signed by another key')
  }
  return signed
}

/** How many receipts one answer carries at most. */
export const RECEIPTS_PER_PAGE = 32

/** What a renter signs before the service: `limit` is in base units, the signature as the payment rail has it. */
export const advanceSchema = z.looseObject({ limit: baseUnits(), signature: bytesUpTo(KiB) })

/**
 * The renter asks for receipts after `have`, and hands over its newest countersignature in the same message; the
 * answer waits up to `waitMs` for one to exist.
 */
const request = z.looseObject({
  leaseId: bytes(32),
  have: integer(0, Number.MAX_SAFE_INTEGER),
  /** The newest receipt, signed by the renter; it acknowledges all before it. */
  countersigned: bytesUpTo(RECEIPT_MAX_BYTES).optional(),
  /** What the payment rail asks the payer to sign for the same amount, when it has its own form. */
  voucher: bytesUpTo(KiB).optional(),
  /** The renter's consent, given before the service, that the miner takes up to `limit` base units (terms: prepaidMs). */
  advance: advanceSchema.optional(),
  waitMs: integer(0, secondsMs(20)),
})
const response = z.looseObject({
  receipts: z.array(bytesUpTo(RECEIPT_MAX_BYTES)).max(RECEIPTS_PER_PAGE),
  /** True when the last receipt there will ever be is among those sent so far. */
  ended: z.boolean(),
  /** How the lease is now: a GPU that is lost is no container that ended. */
  health: z.enum(healths).optional(),
  /** Where it stands, e.g. `SUSPENDED` until the newest receipt is countersigned. */
  state: z.enum(leaseStates).optional(),
  /** What its renter should know now, e.g. that a GPU is lost or that its owner wants it back. */
  notice: text(200).optional(),
  /** What it has written of its disk share, as it was measured last; absent where nothing is measured. */
  diskUsedMiB: integer(0, 2 ** 40).optional(),
})

const requestCodec = cborCodec(request, 4 * KiB)
const responseCodec = cborCodec(response, RECEIPTS_PER_PAGE * (RECEIPT_MAX_BYTES + 8) + KiB)
export type ReceiptsRequest = Message<typeof requestCodec>
export type ReceiptsResponse = Message<typeof responseCodec>

/** Metering, pulled by the renter: one round trip acknowledges the last receipt and waits for the next. */
export const receiptsProtocol = defineProtocol({
  name: 'receipts',
  request: requestCodec,
  response: responseCodec,
  limits: {
    requestBytes: 4 * KiB,
    responseBytes: RECEIPTS_PER_PAGE * (RECEIPT_MAX_BYTES + 8) + KiB,
    timeoutMs: secondsMs(30),
    perPeerPerMinute: 1200,
  },
})

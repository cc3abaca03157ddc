import { z } from 'zod'
import { KiB, MiB } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { MAX_EXTENSIONS, signedExtension } from './extension.ts'
import { baseUnits, bytes, bytesUpTo, integer, text, timeMs } from './fields.ts'
import type { Network } from './network.ts'
import { RECEIPT_MAX_BYTES } from './receipts.ts'
import { TERMS_MAX_BYTES } from './terms.ts'

/** What a file of evidence begins with, in its own words. */
export const EVIDENCE_KIND = 'compute-node/lease-evidence/1'
export const EVIDENCE_MAX_BYTES = 256 * MiB

/**
 * A lease as one file that anyone checks with nothing else: it names its network, and holds what both parties signed. A
 * key of no meaning would be a signature that nobody checks: it is refused.
 */
const evidence = z.strictObject({
  kind: z.literal(EVIDENCE_KIND),
  network: z.enum(['local', 'test', 'finney']),
  netuid: integer(0, 0xffff),
  genesis: bytes(32),
  minerTerms: bytesUpTo(TERMS_MAX_BYTES),
  renterTerms: bytesUpTo(TERMS_MAX_BYTES),
  receipts: z.array(bytesUpTo(RECEIPT_MAX_BYTES)).max(1_000_000),
  /** The renter's signature over one of the receipts; it acknowledges all up to it. */
  countersigned: bytesUpTo(RECEIPT_MAX_BYTES).optional(),
  /** Every extension that counts, in order. */
  extensions: z.array(signedExtension).max(MAX_EXTENSIONS).optional(),
  /** The same amount, as the payment rail has the renter sign it. */
  voucher: bytesUpTo(KiB).optional(),
  /** What the renter signed before the service. */
  advance: z.strictObject({ limit: baseUnits(), signature: bytesUpTo(KiB) }).optional(),
  /** What the renter refused to countersign, and the record that the miner had signed. */
  dispute: z
    .strictObject({
      code: text(64),
      reason: text(300),
      atMs: timeMs(),
      record: bytesUpTo(RECEIPT_MAX_BYTES).optional(),
    })
    .optional(),
})

export const evidenceCodec = cborCodec(evidence, EVIDENCE_MAX_BYTES)
export type LeaseEvidence = Message<typeof evidenceCodec>

/** The fields that name a network. */
export const networkFields = ({ network, netuid, genesis }: Network) => ({
  network,
  netuid,
  genesis,
})

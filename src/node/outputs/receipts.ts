import { z } from 'zod'
import { decimal, peerId, whole } from '../../api/common.ts'
import { endingOwners } from '../../protocols/lease-endings.ts'
import { type EvidenceFinding, evidenceChecks } from '../leases/check-evidence.ts'

/** What `receipts --verify` found in a file of evidence. */
export const evidenceSchema: z.ZodType<EvidenceFinding> = z.strictObject({
  verdict: z.enum(['VALID', 'INVALID']),
  lease: z.string().exactOptional(),
  network: z.string().exactOptional().describe("the market's name on the wire"),
  miner: peerId.exactOptional(),
  renter: peerId.exactOptional(),
  asset: z.string().exactOptional(),
  receipts: whole.exactOptional().describe('how many'),
  upMs: whole.exactOptional(),
  claimed: decimal.exactOptional(),
  acknowledged: decimal.exactOptional(),
  ending: z
    .strictObject({
      code: z.string().nullable(),
      reason: z.string(),
      fault: z.enum(endingOwners),
    })
    .nullable()
    .exactOptional()
    .describe('by its final receipt; null without one'),
  checks: z.array(
    z.strictObject({ name: z.enum(evidenceChecks), ok: z.boolean(), detail: z.string() }),
  ),
})

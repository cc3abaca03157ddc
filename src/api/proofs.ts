import { z } from 'zod'
import { decimal, peerId, whole } from './common.ts'
import { endingOwners } from './leases.ts'
import { route } from './route.ts'

/** What a transcript is looked at for, in order. */
export const transcriptChecks = [
  'shape',
  'pulses',
  'finals',
  'ticks',
  'residency',
  'gemm',
  'locality',
] as const

/** What was found in a transcript of GPU work. */
export const transcriptFinding = z
  .strictObject({
    verdict: z.string().describe('VALID, or what is wrong'),
    reason: z.string(),
    id: z.string().describe('content id'),
    bytes: whole,
    network: z.string().optional(),
    peerId: z.string().optional(),
    gpu: z.string().optional(),
    slot: whole.optional(),
    n: whole.optional().describe('size of the matrices'),
    fillBytes: whole.optional().describe('size of the resident fill'),
    passes: whole.optional(),
    steps: whole.optional(),
    gbps: z.number().optional().describe('GB/s over the window'),
    tops: z.number().optional().describe('TOPS over the window'),
    pages: whole.optional().describe('pages checked'),
    dots: whole.optional().describe('crossings checked'),
    locality: z.string().optional().describe('what was found of the locality chain'),
    checkpoints: whole.optional().describe('of the locality chain'),
    nsPerHop: z.number().optional().describe('mean time of a hop over the window'),
    hops: whole.optional().describe('hops checked'),
    verifyMs: whole.optional(),
    work: z.enum(['residency', 'gemm']).optional().describe('whose proof breaks'),
    at: z.array(whole).optional().describe('where: pass, page or step, row, column'),
    checks: z.array(
      z.strictObject({
        name: z.enum(transcriptChecks),
        ok: z.boolean(),
        detail: z.string(),
        ms: z.number().describe('what looking at it took'),
      }),
    ),
  })
  .meta({ id: 'TranscriptFinding', description: 'What was found in a transcript of GPU work' })

/** What the file of a lease's receipts is looked at for, in order. */
export const evidenceChecks = [
  'file',
  'network',
  'miner terms',
  'renter terms',
  'extensions',
  'receipts',
  'countersignature',
  'voucher',
  'advance',
  'dispute',
] as const

/** What was found in a file of a lease's receipts. */
export const evidenceFinding = z
  .strictObject({
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
      z.strictObject({
        name: z.enum(evidenceChecks),
        ok: z.boolean(),
        detail: z.string(),
        receipt: whole
          .exactOptional()
          .describe('the first receipt that is wrong, by its place from 1'),
      }),
    ),
  })
  .meta({ id: 'EvidenceFinding', description: "What was found in a file of a lease's receipts" })
export type EvidenceAnswer = z.infer<typeof evidenceFinding>

/** How long a body may take, and how many are looked at or waited for at once. */
export const CHECKED_AT_ONCE = 3

const body =
  'The body is the file, as application/octet-stream; it is looked at by its bytes alone, and kept nowhere. What is well formed and wrong is answered with its verdict.'
const limits = `BAD_MESSAGE_SIZE (413) for a larger one; REFUSED_BUSY (429) while ${CHECKED_AT_ONCE} are looked at.`

export const proofRoutes = {
  verifyTranscript: route({
    method: 'POST',
    path: '/v1/transcripts/verify',
    scope: 'read',
    kind: 'stream',
    summary: 'Checks a transcript of GPU work, of 64 MiB at most',
    description: `${body} BAD_MESSAGE_TRANSCRIPT: it is none. ${limits}`,
    answer: transcriptFinding,
  }),
  verifyReceipts: route({
    method: 'POST',
    path: '/v1/receipts/verify',
    scope: 'read',
    kind: 'stream',
    summary: "Checks a file of a lease's receipts, of 64 MiB at most",
    description: `${body} BAD_MESSAGE_EVIDENCE: it is none. ${limits}`,
    answer: evidenceFinding,
  }),
}

import { z } from 'zod'
import { pageAsked, pageOf, peerId, whole } from './common.ts'
import { route } from './route.ts'

/** One validator's word on one device in one slot. */
export const attestation = z
  .strictObject({
    slot: whole.describe('round of the beacon that started it'),
    validator: peerId,
    miner: peerId,
    gpu: z.string().describe("the device's id at its miner"),
    verdict: z
      .string()
      .nullable()
      .describe('VALID, or a reason code; null while only the report is known'),
    steps: whole.nullable().describe('matrix steps counted inside the window'),
    passes: whole.nullable().describe('memory passes counted inside the window'),
    n: whole.nullable().describe('size of the matrices'),
    bytes: whole.nullable().describe('size of the resident fill'),
    checkpoints: whole.nullable().describe('of the locality chain, counted inside the window'),
    nsPerHop: z.number().nullable().describe('mean time of a hop of the locality chain'),
    locality: z.string().nullable().describe('what was found of the locality chain'),
    proveMs: whole.nullable(),
    verifyMs: whole.nullable(),
    transcript: z.string().nullable().describe('content id, for gpu verify'),
    equivocated: z.boolean().describe('the validator contradicted itself: its word does not count'),
  })
  .meta({ id: 'Attestation', description: "One validator's word on one device in one slot" })
export type AttestationRow = z.infer<typeof attestation>

/** One miner in the list of all. */
export const scoreRow = z
  .strictObject({
    hotkey: z.string().describe('hex'),
    score: z.number().describe('rated units, the sum over its devices'),
    weight: z.number().describe('what it gets of the division'),
    reliability: z.number().describe('share of its known slots that were ok'),
    reason: z.string().describe('a reason code (docs/scoring.md)'),
    miners: z.array(peerId),
  })
  .meta({ id: 'Score', description: 'What a miner earns' })
export type ScoreRow = z.infer<typeof scoreRow>

const cause = z.strictObject({
  reason: z.string().describe('a reason code'),
  slots: whole.describe('slots that have it'),
  lost: z.number().describe('its part of what the term costs'),
  constants: z.record(z.string(), z.number()).describe('those that it rests on'),
  raise: z.string().describe('what would raise the term'),
})

const term = z.strictObject({
  name: z.enum(['units', 'reliability', 'ramp', 'rate', 'leases']),
  value: z.number(),
  reason: z.string().describe('a reason code'),
  detail: z.string().describe('the sum in words'),
  lost: z.number().describe('rated units that it costs, the other terms as they are'),
  causes: z.array(cause),
})

const ignoredWord = z.strictObject({ validator: z.string(), reason: z.string() })

const scoredSlot = z.strictObject({
  slot: whole,
  outcome: z.enum(['ok', 'failed', 'unknown', 'networkUnknown']),
  mode: z.enum(['idle', 'leased', 'exclusive']).describe('how the device took part'),
  units: z.number(),
  gib: z.number(),
  gbps: z.number(),
  tops: z.number(),
  forgone: z.number().exactOptional().describe('units it would be worth besides'),
  nsPerHop: z.number().exactOptional(),
  reason: z.string().describe('a reason code'),
  ignored: z.array(ignoredWord).exactOptional().describe('VALIDs of it that did not count'),
})

const scoredGpu = z.strictObject({
  hotkey: z.string(),
  miner: peerId,
  gpu: z.string(),
  score: z.number().describe('the product of its terms'),
  ok: whole,
  failed: whole,
  unknown: whole,
  terms: z.array(term),
  slots: z.array(scoredSlot),
})

/** The score of one miner with everything that made it. */
export const scoreDetail = z
  .strictObject({
    hotkey: z.string(),
    score: z.number(),
    weight: z.number(),
    reliability: z.number(),
    reason: z.string(),
    gpus: z.array(scoredGpu),
    constantsHash: z.string().describe('nodes with the same hash compute the same score'),
    from: whole.describe('first slot of the window'),
    to: whole.describe('last slot of the window'),
    ignored: z
      .array(z.strictObject({ slot: whole, validator: z.string(), reason: z.string() }))
      .describe('validators of whose testimony in a slot something was left out'),
  })
  .meta({ id: 'ScoreDetail', description: 'The score of one miner with everything that made it' })
export type ScoreDetail = z.infer<typeof scoreDetail>

/** A transcript as JSON carries it. */
export const transcript = z.strictObject({
  id: z.string().describe('content id, hex'),
  base64: z.string(),
})
export type TranscriptDocument = z.infer<typeof transcript>

const transcriptNamed = z.object({
  id: z.string().max(128).describe('content id in hex; 12 digits of one that is attested do'),
})

const fraud = z.strictObject({
  base64: z
    .base64()
    .max(128 * 1024)
    .describe("the proof's CBOR (docs/wire.md)"),
})
/** A proof of fraud as it is handed to a node. */
export type FraudDocument = z.infer<typeof fraud>
const fraudAnswer = z.strictObject({ outcome: z.enum(['published', 'known']) })
/** What became of it. */
export type FraudAnswer = z.infer<typeof fraudAnswer>

export const scoreRoutes = {
  listScores: route({
    method: 'GET',
    path: '/v1/scores',
    scope: 'read',
    kind: 'json',
    summary: 'What miners earn, best first',
    query: pageAsked,
    answer: pageOf(scoreRow),
  }),
  getScore: route({
    method: 'GET',
    path: '/v1/scores/:peer',
    scope: 'read',
    kind: 'json',
    summary: 'What one miner earns, term by term',
    params: z.object({ peer: z.string().max(128).describe('PeerId, or hotkey in hex') }),
    answer: scoreDetail,
  }),
  listAttestations: route({
    method: 'GET',
    path: '/v1/attestations',
    scope: 'read',
    kind: 'json',
    summary: 'Testimony that this node knows, newest slot first',
    query: z.object({
      peer: z.string().max(128).optional().describe('PeerId of a miner or a validator'),
      limit: z.coerce.number().int().min(1).max(5000).default(50).describe('how many at most'),
      cursor: pageAsked.shape.cursor,
    }),
    answer: pageOf(attestation),
  }),
  getTranscript: route({
    method: 'GET',
    path: '/v1/transcripts/:id',
    scope: 'read',
    kind: 'json',
    summary: 'The proof behind a verdict, from this node or from those who testified',
    params: transcriptNamed,
    answer: transcript,
  }),
  readTranscript: route({
    method: 'GET',
    path: '/v1/transcripts/:id/content',
    scope: 'read',
    kind: 'stream',
    summary: 'The bytes of the proof behind a verdict, to be checked by whoever asked',
    description:
      'As application/octet-stream, always an attachment, at most 64 MiB: what `compute-node gpu verify` takes as a file. Errors are those of `GET /v1/transcripts/:id`.',
    params: transcriptNamed,
  }),
  publishFraud: route({
    method: 'POST',
    path: '/v1/frauds',
    scope: 'operate',
    kind: 'json',
    summary: 'Verifies, signs, keeps and gossips a proof of fraud',
    description: 'FAILED_FRAUD says why it is not believed.',
    body: fraud,
    answer: fraudAnswer,
  }),
}

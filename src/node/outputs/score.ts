import { z } from 'zod'
import { listOf, peerId, whole } from '../../api/common.ts'
import type { AttestationRow } from '../control/routes/attestations.ts'
import type { ScoreRow } from '../control/routes/scores.ts'
import { reasonCodes } from '../scoring/reason-codes.ts'
import type { Outputs } from './output.ts'

const attestation: z.ZodType<AttestationRow> = z.strictObject({
  slot: whole.describe('round of the beacon that started it'),
  validator: peerId,
  miner: peerId,
  gpu: z.string().describe("the device's id at its miner"),
  verdict: z.string().nullable().describe('VALID, or a reason code'),
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

const scoreRow: z.ZodType<ScoreRow> = z.strictObject({
  hotkey: z.string(),
  score: z.number().describe('rated units, the sum over its devices'),
  weight: z.number().describe('what it gets of the division'),
  reliability: z.number().describe('share of its known slots that were ok'),
  reason: z.enum(reasonCodes),
  miners: z.array(peerId),
})

const scoreDetail = z.strictObject({
  hotkey: z.string(),
  score: z.number(),
  weight: z.number(),
  reliability: z.number(),
  reason: z.string(),
  gpus: z.array(
    z.looseObject({
      hotkey: z.string(),
      miner: peerId,
      gpu: z.string(),
      score: z.number().describe('the product of its terms'),
      ok: whole,
      failed: whole,
      unknown: whole,
      terms: z.array(
        z.looseObject({
          name: z.string(),
          value: z.number(),
          reason: z.string(),
          detail: z.string(),
          lost: z.number().describe('rated units that it costs, the other terms as they are'),
          causes: z.array(
            z.strictObject({
              reason: z.enum(reasonCodes),
              slots: whole.describe('slots that have it'),
              lost: z.number().describe('its part of what the term costs'),
              constants: z.record(z.string(), z.number()).describe('those that it rests on'),
              raise: z.string().describe('what would raise the term'),
            }),
          ),
        }),
      ),
    }),
  ),
  constantsHash: z.string().describe('nodes with the same hash compute the same score'),
  from: whole.describe('first slot of the window'),
  to: whole.describe('last slot of the window'),
  ignored: z
    .array(z.strictObject({ slot: whole, validator: z.string(), reason: z.enum(reasonCodes) }))
    .describe('validators of whose testimony in a slot something was left out'),
})

/** What commands on verdicts and scores print. */
export const scoreOutputs: Outputs = {
  attestations: { describe: 'a list', schema: listOf(attestation) },
  score: { describe: 'a list of all miners, best first', schema: listOf(scoreRow) },
  'score PEER': { describe: 'one miner, term by term', schema: scoreDetail },
}

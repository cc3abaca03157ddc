import { z } from 'zod'
import { address, peerId, whole } from '../../api/common.ts'
import { proofSchema } from '../anchor-proof.ts'
import { anchorChecks } from '../check-anchor.ts'
import type { AnchoredResult } from '../commands/chain-anchor.ts'
import type { Outputs } from './output.ts'

const index = whole.nullable().describe('place of the transaction in its block, where it is known')

const anchored: z.ZodType<AnchoredResult> = z.strictObject({
  hotkey: address,
  records: whole.describe('how many it holds'),
  recordsRoot: z.string().describe('hex'),
  seq: whole,
  block: whole,
  index,
  anchored: z.boolean().describe('false when it stood already'),
})

const anchorsVerified = z.strictObject({
  verdict: z.enum(['VALID', 'INVALID']).describe('VALID when every file is'),
  items: z.array(
    z.strictObject({
      verdict: z.enum(['VALID', 'INVALID']),
      file: z.string(),
      id: z.string().optional().describe('of the record, hex'),
      network: z.string().optional(),
      hotkey: address.optional().describe('who anchored it'),
      block: whole.optional(),
      index: index.optional(),
      peerId: peerId.optional().describe('who signed it'),
      checks: z.array(
        z.strictObject({ name: z.enum(anchorChecks), ok: z.boolean(), detail: z.string() }),
      ),
    }),
  ),
  first: address.nullable().describe('who was first with the one record of all files'),
})

/** What `chain anchor` prints. */
export const anchorOutputs: Outputs = {
  'chain anchor': { describe: 'the anchor that stands', schema: anchored },
  'chain anchor --prove': { describe: 'the proof, as with --out', schema: proofSchema },
  'chain anchor --verify': { describe: 'every check of every file', schema: anchorsVerified },
}

import { z } from 'zod'
import { proven } from '../../api/gpu-jobs.ts'
import { transcriptFinding } from '../../api/proofs.ts'
import type { ProveResult } from '../commands/gpu-prove.ts'

/** What came of a proof without a network. */
export const proveSchema: z.ZodType<ProveResult> = proven.extend({
  file: z.string().nullable().describe('where it was written; null without --out'),
})

/** What `gpu verify` found in a transcript. */
export const verifySchema = transcriptFinding

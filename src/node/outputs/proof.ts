import { z } from 'zod'
import { whole } from '../../api/common.ts'
import { transcriptFinding } from '../../api/proofs.ts'
import type { ProveResult } from '../commands/gpu-prove.ts'

/** What came of a proof without a network. */
export const proveSchema: z.ZodType<ProveResult> = z.strictObject({
  gpu: z.string(),
  name: z.string(),
  backend: z.string(),
  ranOn: z.string().describe('the device as its driver names it, and the kernel'),
  verdict: z.string().describe('VALID, or what our own verifier says is wrong'),
  reason: z.string(),
  n: whole.describe('size of the matrices'),
  fillBytes: whole.describe('size of the resident fill'),
  passes: whole,
  steps: whole,
  fillMs: whole,
  openMs: whole,
  id: z.string().describe('content id of the transcript'),
  bytes: whole.describe('size of the transcript'),
  file: z.string().nullable().describe('where it was written; null without --out'),
})

/** What `gpu verify` found in a transcript. */
export const verifySchema = transcriptFinding

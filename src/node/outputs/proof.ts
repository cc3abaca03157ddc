import { z } from 'zod'
import { whole } from '../../api/common.ts'
import { allWorks, works } from '../../gpu/slot-network.ts'
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
export const verifySchema = z.strictObject({
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
  work: z.enum(works).optional().describe('whose proof breaks'),
  at: z.array(whole).optional().describe('where: pass, page or step, row, column'),
  checks: z.array(
    z.strictObject({
      name: z.enum(['shape', 'pulses', 'finals', ...allWorks]),
      ok: z.boolean(),
      detail: z.string(),
    }),
  ),
})

import { z } from 'zod'

/** What a failed request answers, as `application/problem+json` (RFC 9457). */
export const problem = z
  .object({
    type: z.string().describe('`urn:compute-node:problem:CODE`'),
    title: z.string().describe('the code in words'),
    status: z.number().int().describe('the HTTP status'),
    detail: z.string().describe('the same as `message`'),
    code: z.string().describe('whose fault it was, and what: BAD_CONFIG_…, REFUSED_…, PEER_…'),
    message: z.string().describe('for people'),
    next: z.string().optional().describe('the next step to take'),
    details: z.record(z.string(), z.unknown()).optional().describe('what else is known'),
  })
  .meta({ id: 'Problem', description: 'Why a request was not served' })
export type ProblemDocument = z.infer<typeof problem>

import { z } from 'zod'
import { codeOf, messageOf } from '../../errors.ts'

const challenge = z.object({
  miner: z.string(),
  validator: z.string(),
  backend: z.string(),
  /** `VALID`, or the reason code of what failed. */
  verdict: z.string(),
  proveMs: z.number(),
  verifyMs: z.number(),
  bytes: z.number(),
})
export type ChallengeSummary = z.infer<typeof challenge>

const lease = z.object({
  id: z.string(),
  engine: z.string(),
  exitCode: z.number(),
  stdout: z.string(),
  receipts: z.number(),
  settled: z.boolean(),
})
export type LeaseSummary = z.infer<typeof lease>

/** What one full round of the market did; the last line of `npm start -- --once --json`. */
export const roundSummary = z.object({
  ok: z.literal(true),
  peers: z.number(),
  capabilities: z.number(),
  offers: z.number(),
  challenges: z.array(challenge),
  attestations: z.number(),
  /** validator uid → uid → u16 weight, as read back from the chain. */
  weights: z.record(z.string(), z.record(z.string(), z.number())),
  lease,
  elapsedMs: z.number(),
})
export type RoundSummary = z.infer<typeof roundSummary>

export const roundFailure = z.object({
  ok: z.literal(false),
  stage: z.string(),
  error: z.object({ code: z.string(), message: z.string() }),
})

/** The JSON of a round that failed at `stage`. */
export const failureOf = (stage: string, error: unknown): z.infer<typeof roundFailure> => ({
  ok: false,
  stage,
  error: { code: codeOf(error), message: messageOf(error) },
})

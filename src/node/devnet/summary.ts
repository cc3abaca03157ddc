import { z } from 'zod'
import { codeOf, messageOf } from '../../errors.ts'
import { StageFailure } from './stage.ts'

const challenge = z.strictObject({
  miner: z.string(),
  validator: z.string(),
  backend: z.string(),
  /** `VALID`, or the reason code of what failed. */
  verdict: z.string(),
  proveMs: z.number(),
  verifyMs: z.number(),
  bytes: z.number(),
  /** What its Finals closed, and what that comes to over the windows. */
  passes: z.number(),
  gbps: z.number(),
  steps: z.number(),
  tops: z.number(),
})
export type ChallengeSummary = z.infer<typeof challenge>

const lease = z.strictObject({
  id: z.string(),
  engine: z.string(),
  exitCode: z.number(),
  stdout: z.string(),
  /** Countersigned ones. */
  receipts: z.number(),
  settled: z.boolean(),
})
export type LeaseSummary = z.infer<typeof lease>

/** What one full round of the market did; the last line of `npm start -- --once --json`. */
export const roundSummary = z.strictObject({
  ok: z.literal(true),
  /** Nodes, the renter that counted them among them. */
  peers: z.number(),
  /** Capability records the renter knows. */
  capabilities: z.number(),
  /** Offers that stand in the renter's book. */
  offers: z.number(),
  challenges: z.array(challenge),
  /** Rows of testimony that gossip brought to the renter, each with the count and the verdict of one validator. */
  attestations: z.number(),
  /** validator uid → uid → u16 weight, as read back from the chain. */
  weights: z.record(z.string(), z.record(z.string(), z.number())),
  lease,
  elapsedMs: z.number(),
})
export type RoundSummary = z.infer<typeof roundSummary>

export const roundFailure = z.strictObject({
  ok: z.literal(false),
  stage: z.string(),
  error: z.strictObject({ code: z.string(), message: z.string() }),
})
export type RoundFailure = z.infer<typeof roundFailure>

/** The JSON of a round that failed; what failed outside any stage failed while starting. */
export function failureOf(error: unknown): RoundFailure {
  const stage = error instanceof StageFailure ? error.stage : 'start'
  const why = error instanceof StageFailure ? error.cause : error
  return { ok: false, stage, error: { code: codeOf(why), message: messageOf(why) } }
}

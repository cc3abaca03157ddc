import { encode } from 'cborg'
import { equalBytes } from '../bytes.ts'
import { messageOf } from '../errors.ts'
import { type GemmFault, type GemmVerdict, verifyGemm } from './gemm-proof.ts'
import type { Bytes } from './hash.ts'
import type { Kernels } from './kernels.ts'
import { type HopVerdict, verifyHops } from './locality-proof.ts'
import { type PassFault, type PassVerdict, verifyPasses } from './residency-proof.ts'
import type { SlotStatements } from './slot.ts'
import type { PerWork, SlotNetwork, Work } from './slot-network.ts'
import type { BadHops, BreakAt } from './slot-testimony.ts'
import {
  decodeTranscript,
  differsIn,
  gemmOpeningsOf,
  hopOpeningsOf,
  passOpeningsOf,
  type Transcript,
} from './transcript.ts'

/** What a verifier is given: untrusted content and everything it derived itself. */
export interface CheckJob {
  readonly content: Bytes
  readonly statements: SlotStatements
  readonly limits: Pick<SlotNetwork, 'residency' | 'gemm' | 'locality'>
  /** Fields that the transcript must repeat as they are. */
  readonly expected: Partial<Transcript>
  /** The pulse that started the locality chain, which the transcript must repeat beside it. */
  readonly hopsPulse?: NonNullable<Transcript['locality']>['pulse']
}

/** What was found of a locality chain; one that is VALID with the signed Final inside. */
export type CheckedLocality =
  | {
      readonly verdict: 'VALID'
      readonly heads: readonly Bytes[]
      readonly counts: readonly number[]
      readonly final: Bytes
    }
  | BadHops

export type CheckResult =
  | {
      readonly ok: true
      /** Heads of the tick chains from before any tick, and the count claimed at each tick. */
      readonly heads: PerWork<readonly Bytes[]>
      readonly counts: PerWork<readonly number[]>
      /** Pages and crossings checked. */
      readonly pages: number
      readonly dots: number
      /** The signed Finals inside; the caller compares them with those it heard. */
      readonly finals: PerWork<Bytes>
      /** Absent where the job states no locality chain. */
      readonly locality?: CheckedLocality
      readonly verifyMs: number
    }
  | {
      readonly ok: false
      readonly why: GemmFault | PassFault
      /** Whose proof is bad, and where; absent when the whole is no transcript. */
      readonly work?: Work
      readonly at?: BreakAt
      /** For people: the field that differs, or why it is no transcript. */
      readonly detail?: string
      /** The signed Finals inside what is one as a whole. */
      readonly finals?: PerWork<Bytes>
      readonly verifyMs: number
    }

type Limits = Pick<SlotNetwork, 'residency' | 'gemm' | 'locality'>

/** The verdict on the passes that a transcript opens, from a statement the caller derived. */
export const checkPasses = (
  kernels: Kernels,
  statement: SlotStatements['residency'],
  transcript: Transcript,
  limits: Limits,
): PassVerdict => verifyPasses(kernels, statement, passOpeningsOf(transcript), limits.residency)

/** The verdict on the matrix chain that a transcript opens, from a statement the caller derived. */
export const checkChain = (
  kernels: Kernels,
  statement: SlotStatements['gemm'],
  transcript: Transcript,
  limits: Limits,
): GemmVerdict => verifyGemm(kernels, statement, gemmOpeningsOf(transcript), limits.gemm)

/** The verdict on the locality chain that a transcript opens, if it opens one, from a statement the caller derived. */
export function checkHops(
  kernels: Kernels,
  statement: NonNullable<SlotStatements['locality']>,
  transcript: Transcript,
  limits: Limits,
): HopVerdict | undefined {
  const openings = hopOpeningsOf(transcript)
  return openings && verifyHops(kernels, statement, openings, limits.locality)
}

/** What is found of a locality chain that the caller heard of: it stands beside the verdict, and never changes it. */
function checkLocality(
  kernels: Kernels,
  transcript: Transcript,
  { statements, limits, hopsPulse }: CheckJob,
): { readonly locality?: CheckedLocality } {
  if (statements.locality === undefined) return {}
  const { locality } = transcript
  const found = checkHops(kernels, statements.locality, transcript, limits)
  if (locality === undefined || found === undefined) return { locality: { verdict: 'UNAVAILABLE' } }
  if (hopsPulse === undefined || !equalBytes(encode(locality.pulse), encode(hopsPulse))) {
    return { locality: { verdict: 'BAD_SHAPE' } }
  }
  if (found.ok) {
    const { counts, final } = locality
    return { locality: { verdict: 'VALID', heads: found.heads, counts, final } }
  }
  const { why: verdict, at } = found
  return { locality: { verdict, ...(at === undefined ? {} : { at }) } }
}

/** The verdict on untrusted content, from statements the caller derived. Never throws on content. */
export function checkTranscript(kernels: Kernels, job: CheckJob): CheckResult {
  const startedMs = performance.now()
  const verifyMs = (): number => performance.now() - startedMs
  let transcript: Transcript
  try {
    transcript = decodeTranscript(job.content)
  } catch (error) {
    return { ok: false, why: 'BAD_SHAPE', detail: messageOf(error), verifyMs: verifyMs() }
  }
  const detail = differsIn(transcript, job.expected)
  if (detail !== null) return { ok: false, why: 'BAD_SHAPE', detail, verifyMs: verifyMs() }
  const { statements, limits } = job
  const finals = { residency: transcript.residency.final, gemm: transcript.gemm.final }
  const passes = checkPasses(kernels, statements.residency, transcript, limits)
  if (!passes.ok) return { ...passes, work: 'residency', finals, verifyMs: verifyMs() }
  const chain = checkChain(kernels, statements.gemm, transcript, limits)
  if (!chain.ok) return { ...chain, work: 'gemm', finals, verifyMs: verifyMs() }
  return {
    ok: true,
    heads: { residency: passes.heads, gemm: chain.heads },
    counts: { residency: transcript.residency.counts, gemm: transcript.gemm.counts },
    pages: passes.pages,
    dots: chain.dots,
    finals,
    ...checkLocality(kernels, transcript, job),
    verifyMs: verifyMs(),
  }
}

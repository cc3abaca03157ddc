import { encode } from 'cborg'
import { messageOf } from '../errors.ts'
import { type GemmVerdict, verifyGemm } from './gemm-proof.ts'
import { equalBytes } from './hash.ts'
import type { Kernels } from './kernels.ts'
import { type HopVerdict, verifyHops } from './locality-proof.ts'
import { type PassVerdict, verifyPasses } from './residency-proof.ts'
import type { SlotStatements } from './slot.ts'
import type { SlotNetwork } from './slot-network.ts'
import {
  decodeTranscript,
  differsIn,
  gemmOpeningsOf,
  hopOpeningsOf,
  passOpeningsOf,
  type Transcript,
} from './transcript.ts'
import type { CheckedLocality, CheckJob, CheckResult } from './verifier.ts'

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

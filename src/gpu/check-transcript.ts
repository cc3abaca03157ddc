import { messageOf } from '../errors.ts'
import { verifyGemm } from './gemm-proof.ts'
import type { Kernels } from './kernels.ts'
import { decodeTranscript, differsIn, openingsOf, type Transcript } from './transcript.ts'
import type { CheckJob, CheckResult } from './verifier.ts'

/** The verdict on untrusted content, from a statement the caller derived. Never throws on content. */
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
  const verdict = verifyGemm(kernels, job.statement, openingsOf(transcript), job.limits)
  if (!verdict.ok) return { ...verdict, verifyMs: verifyMs() }
  return { ...verdict, final: transcript.final, verifyMs: verifyMs() }
}

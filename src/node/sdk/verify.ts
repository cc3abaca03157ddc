import type { EvidenceFinding } from '../leases/check-evidence.ts'
import type { TranscriptFinding } from '../verify-transcript.ts'

/**
 * Checks a proof of GPU work from its bytes alone, without any node: the pulses' and the miner's signatures, then what was
 * computed. Resolves with the verdict and every check, whatever they are.
 */
export async function verifyTranscript(content: Uint8Array): Promise<TranscriptFinding> {
  const { verifyTranscript: verify } = await import('../verify-transcript.ts')
  return verify(content)
}

/**
 * Checks a lease's receipts from their evidence alone (base64 of `receipts()`, or the bytes that `receipts --export`
 * wrote): who signed what, every link and every amount. Resolves with the verdict and every check, whatever they are.
 */
export async function verifyReceipts(evidence: string | Uint8Array): Promise<EvidenceFinding> {
  const { checkEvidence } = await import('../leases/check-evidence.ts')
  return checkEvidence(typeof evidence === 'string' ? Buffer.from(evidence, 'base64') : evidence)
}

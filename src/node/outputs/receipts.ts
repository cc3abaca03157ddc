import type { z } from 'zod'
import { evidenceFinding } from '../../api/proofs.ts'
import type { EvidenceFinding } from '../leases/check-evidence.ts'

/** What `receipts --verify` found in a file of evidence. */
export const evidenceSchema: z.ZodType<EvidenceFinding> = evidenceFinding

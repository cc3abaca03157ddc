import { z } from 'zod'
import { bytes } from './fields.ts'

/** The newest that the container's main process printed. */
export const logsRequest = z.looseObject({
  leaseId: bytes(32),
  kind: z.literal('logs'),
})

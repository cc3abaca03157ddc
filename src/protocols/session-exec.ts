import { z } from 'zod'
import { bytes } from './fields.ts'
import { environment } from './session-fields.ts'
import { commandLine } from './terms.ts'

/** Runs a command in the lease's container; it ends with its renter. */
export const execRequest = z.looseObject({
  leaseId: bytes(32),
  kind: z.literal('exec'),
  command: commandLine(),
  tty: z.boolean(),
  env: environment(),
})

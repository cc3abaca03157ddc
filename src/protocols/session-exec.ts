import { z } from 'zod'
import { bytes } from './fields.ts'
import { commandPlace, environment } from './session-fields.ts'
import { commandLine } from './terms.ts'

/**
 * Runs a command in the lease's container; it ends with its renter, unless it is to run `detach`ed: then `detached` tells
 * its id, and what it prints is read by nobody.
 */
export const execRequest = z.looseObject({
  leaseId: bytes(32),
  kind: z.literal('exec'),
  command: commandLine(),
  tty: z.boolean(),
  env: environment(),
  detach: z.boolean().optional(),
  ...commandPlace,
})

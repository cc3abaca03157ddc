import { z } from 'zod'
import { secondsMs } from '../units.ts'
import { bytes, integer } from './fields.ts'
import { commandPlace, environment, terminalSize } from './session-fields.ts'
import { commandLine } from './terms.ts'

/** How long a miner keeps a terminal whose connection broke, for its renter to come back. */
export const SHELL_GRACE_MS = secondsMs(60)
/** A renter that says nothing for this long has lost its connection, as far as the miner can tell. */
export const SHELL_SILENCE_MS = secondsMs(30)
/** How often the renter's end asks whether the other is there. */
export const SHELL_PING_MS = secondsMs(5)
/** Bytes that may come before they are acknowledged; a terminal's sender holds more than this. */
export const ACKNOWLEDGE_BYTES = 32 * 1024
/** What may be printed and not yet acknowledged before the command is held back. */
export const SHELL_OUTPUT_BYTES = 1024 * 1024
/** What may be typed and not yet acknowledged before no more is read. */
export const SHELL_INPUT_BYTES = 256 * 1024

/**
 * Opens a terminal in the lease's container; without a command, bash where the image has it, else sh. `started` brings
 * the token with which its opener, and nobody else, resumes it after a connection broke.
 */
export const shellRequest = z.looseObject({
  leaseId: bytes(32),
  kind: z.literal('shell'),
  command: commandLine().optional(),
  env: environment(),
  size: z.looseObject(terminalSize),
  ...commandPlace,
})

/** Goes on with a terminal; `received`: how many bytes of its output have come. */
export const resumeRequest = z.looseObject({
  leaseId: bytes(32),
  kind: z.literal('resume'),
  token: bytes(16),
  received: integer(0, Number.MAX_SAFE_INTEGER),
})

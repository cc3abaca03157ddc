import { z } from 'zod'
import { bytes } from './fields.ts'
import { environment, terminalSize } from './session-fields.ts'
import { scriptLine } from './terms.ts'

/**
 * What an SSH client asks for once it is logged in: `shell`, a login shell; `command`, one line for that shell; `sftp`,
 * an SFTP server. The miner knows what the container has of these. As in `exec` else.
 */
export const loginRequest = z.looseObject({
  leaseId: bytes(32),
  kind: z.literal('login'),
  run: z.enum(['shell', 'command', 'sftp']),
  /** With `command` alone. */
  line: scriptLine().optional(),
  /** With a terminal: its size. */
  tty: z.looseObject(terminalSize).optional(),
  env: environment(),
})

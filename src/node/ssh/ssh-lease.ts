import type { ControlClient } from '../control/client.ts'

/** The lease that an SSH client works in, through this data folder's node. */
export interface SshLease {
  readonly client: ControlClient
  /** As LEASE of the command line. */
  readonly lease: string
  /** By which SSH clients know it. */
  readonly hostName: string
  readonly signal: AbortSignal
}

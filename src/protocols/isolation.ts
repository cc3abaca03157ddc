import { z } from 'zod'
import { text } from './fields.ts'

/**
 * What holds a tenant, in its miner's own word: in capability records, offers and terms. Absent in those of an earlier
 * version.
 */
export const isolation = () =>
  z.looseObject({
    /** What runs the containers: `runc`, `runsc`, `sysbox-runc`, `nvidia`, or `none` for plain processes. */
    runtime: text(32),
    /** Whether leases are kept away from the host and its networks by a firewall that this program sets. */
    fenced: z.boolean(),
    /** Whether the storage itself holds a lease to its disk; otherwise it is measured, and ends the lease. */
    diskQuota: z.boolean(),
    /**
     * True where it runs on another machine than its miner's node, which cannot look at it: its GPUs are not proven.
     */
    remote: z.literal(true).optional(),
  })
export type Isolation = z.infer<ReturnType<typeof isolation>>

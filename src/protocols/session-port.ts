import { z } from 'zod'
import { bytes, integer } from './fields.ts'

/**
 * A connection to a TCP port in the lease's container, loopback included. After `started` both sides send data (the
 * renter on the channel of stdin, the miner on that of stdout) and `eof` on the control channel when they have no more;
 * the tunnel ends after both.
 */
export const portRequest = z.looseObject({
  leaseId: bytes(32),
  kind: z.literal('port'),
  port: integer(1, 65_535),
})

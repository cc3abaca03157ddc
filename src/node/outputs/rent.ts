import { z } from 'zod'
import { peerId, whole } from '../../api/common.ts'
import { leaseSchema } from './lease.ts'
import type { Outputs } from './output.ts'
import { jupyterSchema } from './session.ts'

/** What happens to an order before it is granted, one line each; the lease comes last. */
const orderEvent = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('offer-not-taken'),
    miner: peerId,
    code: z.string(),
    reason: z.string(),
  }),
  z.strictObject({
    event: z.literal('queue-place'),
    miner: peerId,
    ticket: z.string(),
    position: whole.describe('0: its turn'),
    waiting: whole,
    etaMs: whole.nullable().describe('until its turn; null: nobody can tell'),
  }),
])

const rented = z.strictObject({
  lease: leaseSchema,
  exitCode: z.number().int(),
  stdout: z.string(),
  stderr: z.string(),
})

/** What the forms of `rent` print. */
export const rentOutputs: Outputs = {
  rent: { describe: 'the lease that runs', schema: leaseSchema },
  'rent -- CMD': { describe: 'the lease and what the command printed', schema: rented },
  'rent --jupyter': { describe: 'where it answers, once it does', schema: jupyterSchema },
  'rent --wait': {
    describe: 'a line per event, then as without',
    schema: z.union([orderEvent, leaseSchema, rented, jupyterSchema]),
  },
}

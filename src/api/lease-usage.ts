import { z } from 'zod'
import { whole } from './common.ts'
import { leaseNamed } from './leases.ts'
import { route } from './route.ts'

const gpuUsage = z.strictObject({
  id: z.string(),
  loadPercent: z.number().nullable(),
  memoryMiB: whole.nullable(),
  temperatureC: z.number().nullable(),
  powerW: z.number().nullable(),
})

/** What a lease uses at one time; null where its miner does not know. */
export const leaseUsage = z
  .strictObject({
    atMs: whole.describe("by the miner's clock"),
    cpuPercent: z
      .number()
      .nullable()
      .describe('of one core, since the event before: 200 is two cores; null in the first one'),
    cores: z.number().describe('how many it may use'),
    memoryMiB: z.number().nullable(),
    memoryLimitMiB: whole,
    rxBytes: whole.nullable().describe('into it, since its start'),
    txBytes: whole.nullable().describe('out of it'),
    diskMiB: whole.nullable().describe('as its miner measured it last, about once a minute'),
    diskLimitMiB: whole.nullable().describe('null: no limit is agreed'),
    pids: whole.nullable().describe('how many processes and threads it has'),
    gpus: z
      .array(gpuUsage)
      .describe("its devices; all that works on one counts, the miner's proofs too"),
  })
  .meta({ id: 'LeaseUsage', description: 'What a lease uses at one time' })
export type LeaseUsage = z.infer<typeof leaseUsage>

/** What a lease used of late, as a node that watched it kept it. */
export const keptUsage = z
  .strictObject({
    nowMs: whole.describe('when this was told, by the clock of the node'),
    items: z.array(
      z.strictObject({ atMs: whole.describe('by the clock of the node'), usage: leaseUsage }),
    ),
  })
  .meta({ id: 'KeptUsage', description: 'What a lease used of late' })
export type KeptUsage = z.infer<typeof keptUsage>

export const leaseUsageRoutes = {
  watchLeaseUsage: route({
    method: 'GET',
    path: '/v1/leases/:id/usage',
    scope: 'read',
    kind: 'events',
    summary: 'What a lease uses, once a second',
    description:
      'Events are called `usage`. A container engine that does not answer makes events with nulls. The last event is `ended`, its data `{"error":{code,message,next?}}`: FAILED_LEASE_ENDED at the end of the lease. REFUSED_WATCHERS: 16 watch it already. With `kept=true` the first event is `kept`, a KeptUsage of at most ten minutes: the node goes on watching for ten minutes after such a reader left, for one that comes back; `everyMs` has no effect then.',
    params: leaseNamed,
    query: z.object({
      everyMs: z.coerce
        .number()
        .int()
        .min(1000)
        .max(60_000)
        .optional()
        .describe('between two events; 1000 when absent'),
      kept: z.stringbool().optional().describe('true: what was used before comes first'),
    }),
    answer: leaseUsage,
  }),
}

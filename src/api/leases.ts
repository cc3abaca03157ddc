import { z } from 'zod'
import { decimal, pageAsked, pageOf, peerId, whole } from './common.ts'
import { route } from './route.ts'

/**
 * Where a lease stands. GRACE: it runs, and its renter should countersign soon; SUSPENDED: it is paused until the renter
 * has; PAUSED: its renter paused it, and pays as if it ran.
 */
export const leaseStates = [
  'RESERVED',
  'QUOTED',
  'AGREED',
  'STARTING',
  'ACTIVE',
  'GRACE',
  'SUSPENDED',
  'PAUSED',
  'CLOSING',
  'SETTLED',
  'FAILED',
  'EXPIRED',
] as const

/** What is known of the container: `unknown` never ends a lease. */
export const healths = ['ok', 'failed', 'unknown'] as const

/** Whose doing the end of a lease is. */
export const endingOwners = ['renter', 'miner', 'nobody'] as const

const isolation = z.looseObject({
  runtime: z.string().describe('runc, runsc, sysbox-runc, nvidia; none for plain processes'),
  fenced: z.boolean().describe("leases are kept from the host's networks"),
  diskQuota: z.boolean().describe('the storage itself holds a lease to its disk'),
  remote: z
    .literal(true)
    .optional()
    .describe('on another machine than its miner: its GPUs are not proven'),
})

/** The lease that a path names. */
export const leaseNamed = z.object({
  id: z
    .string()
    .max(160)
    .describe(
      'its id, a beginning of it that fits one alone, or `ID@PEERID` for one of another renter',
    ),
})

/** A lease that this node rented; amounts are decimals in `asset`. */
export const lease = z
  .strictObject({
    id: z.string(),
    state: z.enum(leaseStates),
    health: z.enum(healths),
    miner: peerId,
    renter: peerId,
    engine: z.string().nullable().describe('what runs it; null before it is known'),
    image: z.string(),
    command: z.array(z.string()).nullable(),
    devices: z.array(z.string()),
    memoryMiB: whole.describe('main memory it may use'),
    cpus: z.number().describe('processor cores it may use'),
    diskMiB: whole.nullable().describe('what it may write on the disk; null: no limit is agreed'),
    diskUsedMiB: whole
      .nullable()
      .describe('what of it is written, as measured last; null: unknown'),
    isolation: isolation
      .nullable()
      .describe('what holds it, as its miner signed it; null in old terms'),
    asset: z.string().describe('what amounts are in'),
    rail: z.string(),
    dph: decimal.describe('price per hour'),
    cap: decimal.describe('the most it can cost'),
    proofShare: z
      .number()
      .nullable()
      .describe("what the miner's proofs take of the devices' time, 0 to 1; null in old terms"),
    exclusive: z.boolean().describe('whether the devices prove nothing while it runs'),
    volumes: z
      .array(
        z.strictObject({
          name: z.string(),
          path: z.string(),
          sizeMiB: whole,
          readOnly: z.boolean(),
        }),
      )
      .describe('what outlives it'),
    durationMs: whole.describe('in all, extensions included'),
    extensions: whole.describe('how many of them count'),
    extendingToMs: whole
      .nullable()
      .describe('durationMs after an extension that does not count yet; null without one'),
    labels: z.record(z.string(), z.string()),
    ports: z.array(whole).describe('what forward makes local when none is named'),
    createdAtMs: whole,
    startedAtMs: whole.nullable(),
    expiresAtMs: whole.nullable(),
    progress: z
      .string()
      .nullable()
      .describe('what the miner is doing while it starts, or has to say later'),
    receipts: whole,
    upMs: whole,
    owed: decimal.describe('by the newest receipt'),
    acknowledged: decimal.describe('what of it is countersigned'),
    settled: decimal.nullable().describe('what was paid in the end'),
    over: z.boolean(),
    outcome: z.enum(['ended', 'failed', 'unknown']).nullable(),
    creditMs: whole.nullable().describe('of service that may stay uncountersigned; null: no limit'),
    graceMs: whole.nullable().describe('how long it is kept paused after that'),
    prepaidMs: whole.nullable().describe('how far this node signs in advance'),
    signedAhead: decimal.describe('up to where it did'),
    dispute: z.string().nullable().describe('what the miner did that is not countersigned'),
    reason: z.string().nullable(),
    ending: z.string().nullable().describe('the code of its end'),
    fault: z.enum(endingOwners).nullable().describe('whose doing its end is'),
  })
  .meta({ id: 'Lease', description: 'A lease that this node rented' })
export type Lease = z.infer<typeof lease>

export const leaseRoutes = {
  listLeases: route({
    method: 'GET',
    path: '/v1/leases',
    scope: 'read',
    kind: 'json',
    summary: 'All leases that this node rented, newest first',
    query: pageAsked,
    answer: pageOf(lease),
  }),
  getLease: route({
    method: 'GET',
    path: '/v1/leases/:id',
    scope: 'read',
    kind: 'json',
    summary: 'One lease',
    params: leaseNamed,
    answer: lease,
  }),
}

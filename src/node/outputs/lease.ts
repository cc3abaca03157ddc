import { z } from 'zod'
import { isolation } from '../../protocols/isolation.ts'
import { healths, leaseStates } from '../../protocols/lease.ts'
import { endingOwners } from '../../protocols/lease-endings.ts'
import type { LeaseView } from '../leases/lease-view.ts'
import { decimal, listOf, type Outputs, peerId, whole } from './output.ts'
import { evidenceSchema, receiptsSchema } from './receipts.ts'
import { copySchema, forwardSchema, jupyterSchema, sshConfigSchema } from './session.ts'
import { shownTemplateSchema, snapshotSchema, volumeSchema, volumesSchema } from './storage.ts'

/** A lease, as every command shows it. */
export const leaseSchema: z.ZodType<LeaseView> = z.strictObject({
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
  diskUsedMiB: whole.nullable().describe('what of it is written, as measured last; null: unknown'),
  isolation: isolation()
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

/** What commands print that deal with leases and what is in them. */
export const leaseOutputs: Outputs = {
  leases: { describe: 'a list of leases', schema: listOf(leaseSchema) },
  show: { describe: 'the lease', schema: leaseSchema },
  cp: { describe: 'what was copied', schema: copySchema },
  forward: { describe: 'one line per port, and per connection that failed', schema: forwardSchema },
  jupyter: { describe: 'where it answers, once it does', schema: jupyterSchema },
  'ssh-config': { describe: 'the configuration', schema: sshConfigSchema },
  extend: { describe: 'the lease', schema: leaseSchema },
  pause: { describe: 'the lease', schema: leaseSchema },
  resume: { describe: 'the lease', schema: leaseSchema },
  label: { describe: 'the lease', schema: leaseSchema },
  templates: { describe: 'a list', schema: listOf(shownTemplateSchema) },
  'templates NAME': { describe: 'one template', schema: shownTemplateSchema },
  snapshot: { describe: 'what was written', schema: snapshotSchema },
  volumes: { describe: 'a list, and who does not answer', schema: volumesSchema },
  'volumes rm': { describe: 'the volume that was', schema: volumeSchema },
  stop: { describe: 'the lease', schema: leaseSchema },
  wait: { describe: 'the lease', schema: leaseSchema },
  receipts: { describe: 'a list, checked as a whole', schema: receiptsSchema },
  'receipts --verify': { describe: 'what was found', schema: evidenceSchema },
}

import type { z } from 'zod'
import { listOf } from '../../api/common.ts'
import { leaseUsage } from '../../api/lease-usage.ts'
import { lease, receipts } from '../../api/leases.ts'
import { volume, volumes } from '../../api/volumes.ts'
import type { LeaseView } from '../leases/lease-view.ts'
import type { Outputs } from './output.ts'
import { evidenceSchema } from './receipts.ts'
import { copySchema, forwardSchema, jupyterSchema, sshConfigSchema } from './session.ts'
import { shownTemplateSchema, snapshotSchema } from './storage.ts'

/** A lease, as every command shows it. */
export const leaseSchema: z.ZodType<LeaseView> = lease

/** What commands print that deal with leases and what is in them. */
export const leaseOutputs: Outputs = {
  leases: { describe: 'a list of leases', schema: listOf(leaseSchema) },
  show: { describe: 'the lease', schema: leaseSchema },
  top: { describe: 'what the lease uses', schema: leaseUsage },
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
  volumes: { describe: 'a list, and who does not answer', schema: volumes },
  'volumes rm': { describe: 'the volume that was', schema: volume },
  stop: { describe: 'the lease', schema: leaseSchema },
  wait: { describe: 'the lease', schema: leaseSchema },
  receipts: { describe: 'a list, checked as a whole', schema: receipts },
  'receipts --verify': { describe: 'what was found', schema: evidenceSchema },
}

import { z } from 'zod'
import { peerId, whole } from '../../api/common.ts'
import type { SnapshotResult } from '../commands/snapshot.ts'
import type { VolumeRow, VolumesAnswer } from '../control/routes/volumes.ts'
import { templateSchema } from '../templates.ts'

/** A template under its name. */
export const shownTemplateSchema = templateSchema.extend({ name: z.string() })

/** A volume, as its renter knows it. */
export const volumeSchema: z.ZodType<VolumeRow> = z.strictObject({
  name: z.string(),
  miner: peerId,
  sizeMiB: whole,
  enforced: z
    .boolean()
    .describe("whether the miner's storage holds it to that; else it is measured"),
  usedBytes: whole.nullable().describe('null before it was measured'),
  createdAtMs: whole,
  leases: z.array(z.string()).describe('that have it now'),
  expiresAtMs: whole.nullable().describe('when it is removed unless a lease takes it'),
  removedAtMs: whole.nullable(),
  reason: z.string().nullable().describe('why it was removed'),
})

/** All volumes of a renter, and who does not answer. */
export const volumesSchema: z.ZodType<VolumesAnswer> = z.strictObject({
  items: z.array(volumeSchema),
  silent: z
    .array(z.strictObject({ miner: peerId, code: z.string(), reason: z.string() }))
    .describe('miners that had some and do not answer'),
})

/** The file that `snapshot` wrote. */
export const snapshotSchema: z.ZodType<SnapshotResult> = z.strictObject({
  lease: z.string(),
  file: z.string(),
  tag: z.string(),
  bytes: whole,
  sha256: z.string().describe('hex'),
})

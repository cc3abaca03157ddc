import { z } from 'zod'
import { whole } from '../../api/common.ts'
import type { SnapshotResult } from '../commands/snapshot.ts'
import { templateSchema } from '../templates.ts'

/** A template under its name. */
export const shownTemplateSchema = templateSchema.extend({ name: z.string() })

/** The file that `snapshot` wrote. */
export const snapshotSchema: z.ZodType<SnapshotResult> = z.strictObject({
  lease: z.string(),
  file: z.string(),
  tag: z.string(),
  bytes: whole,
  sha256: z.string().describe('hex'),
})

import type { z } from 'zod'
import { listOf } from '../../api/common.ts'
import { gpu, gpuLimits } from '../../api/gpus.ts'
import type { GpuRow } from '../gpu-rows.ts'
import { benchSchema } from './bench.ts'
import { checkSchema } from './machine.ts'
import type { Outputs } from './output.ts'
import { proveSchema, verifySchema } from './proof.ts'

const row: z.ZodType<GpuRow> = gpu

/** What `gpu` prints. */
export const gpuOutputs: Outputs = {
  'gpu list': { describe: 'a list', schema: listOf(row) },
  'gpu list --watch': { describe: 'one line per GPU and sample', schema: row },
  'gpu bench': { describe: 'what was measured', schema: benchSchema },
  'gpu preflight': { describe: 'a list', schema: listOf(checkSchema) },
  'gpu prove': { describe: 'what came of it', schema: proveSchema },
  'gpu limits': { describe: 'the limits, and what they do now', schema: gpuLimits },
  'gpu verify': { describe: 'what was found', schema: verifySchema },
}

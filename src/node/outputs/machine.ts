import { z } from 'zod'
import { listOf } from '../../api/common.ts'
import { finding } from '../../api/gpus.ts'
import { roundFailure, roundSummary } from '../devnet/summary.ts'
import type { Finding } from '../doctor/finding.ts'
import type { Outputs } from './output.ts'

/** One thing that was looked at on this machine. */
export const checkSchema: z.ZodType<Finding> = finding

/** What commands on this machine and the program print. */
export const machineOutputs: Outputs = {
  devnet: {
    describe: 'last line: what one full round did, or where it failed',
    schema: z.discriminatedUnion('ok', [roundSummary, roundFailure]),
  },
  doctor: { describe: 'a list', schema: listOf(checkSchema) },
  version: {
    describe: 'one document',
    schema: z.strictObject({ version: z.string(), node: z.string() }),
  },
}

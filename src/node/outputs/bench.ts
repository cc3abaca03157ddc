import type { z } from 'zod'
import { benchResult } from '../../api/gpu-jobs.ts'
import type { BenchResult } from '../bench/bench-machine.ts'

/** What `gpu bench` measured. */
export const benchSchema: z.ZodType<BenchResult> = benchResult

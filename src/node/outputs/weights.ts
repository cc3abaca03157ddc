import type { z } from 'zod'
import { weightsSchema as answer } from '../../api/chain.ts'
import type { WeightsView } from '../weights-view.ts'

/** The weights that validators have set, and how our own stand. */
export const weightsSchema: z.ZodType<WeightsView> = answer

import type { z } from 'zod'
import { simulation } from '../../api/chain.ts'
import type { Simulation } from '../simulation.ts'

/** The next epochs of a subnet, as `chain simulate` makes them. */
export const simulationSchema: z.ZodType<Simulation> = simulation

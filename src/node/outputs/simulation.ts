import { z } from 'zod'
import { decimal, whole } from '../../api/common.ts'
import type { Simulation } from '../simulation.ts'

const of65535 = whole.describe('of 65535')

const earned = {
  validatorTrust: of65535,
  incentive: of65535,
  dividends: of65535,
  emission: decimal.describe('alpha of the last epoch'),
  total: decimal.describe('alpha of all epochs'),
}

/** The next epochs of a subnet, as `chain simulate` makes them. */
export const simulationSchema: z.ZodType<Simulation> = z.strictObject({
  block: whole.describe('of the first epoch'),
  epochs: whole,
  yuma: z.union([z.literal(2), z.literal(3)]),
  commitReveal: whole.describe('epochs for which weights are hidden'),
  emission: decimal.describe('alpha that an epoch shares out'),
  items: z.array(
    z.strictObject({
      uid: whole,
      hotkey: z.string(),
      stake: decimal.describe('alpha that counts'),
      validatorPermit: z.boolean().describe('has a seat after the last epoch'),
      active: z.boolean(),
      consensus: of65535,
      ...earned,
      bonds: z.array(z.tuple([whole, of65535])).describe('miner and bond'),
      course: z.array(decimal).describe('alpha of each epoch'),
      before: z.strictObject(earned).nullable().describe('without what the command line changes'),
    }),
  ),
})

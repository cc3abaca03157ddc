import { z } from 'zod'
import { decimal } from './common.ts'
import { route } from './route.ts'

/** What bounds what a node spends, and what it spent today; amounts are decimals in `asset`. */
export const spending = z
  .strictObject({
    maxDailyCost: decimal
      .nullable()
      .describe('the most that all leases may cost in a day, of each asset; null: no cap'),
    day: z.string().describe('the day of the figures, in UTC, e.g. 2026-07-01'),
    items: z.array(
      z.strictObject({
        asset: z.string(),
        spent: decimal.describe('today, by receipts'),
        committed: decimal.describe("what today's and running leases can cost today at most"),
        cap: decimal.nullable().describe('per day'),
        left: decimal.nullable().describe('of it; null without one'),
      }),
    ),
  })
  .meta({ id: 'Spending', description: 'What bounds what a node spends, and what it spent today' })
export type SpendingState = z.infer<typeof spending>

/** Some of the caps; null lifts one. */
export const spendingPatch = z
  .strictObject({
    maxDailyCost: z
      .string()
      .regex(/^\d{1,12}(\.\d{1,6})?$/, 'expected an amount such as 12.5')
      .nullable(),
  })
  .partial()

export const spendingRoutes = {
  getSpending: route({
    method: 'GET',
    path: '/v1/spending',
    scope: 'read',
    kind: 'json',
    summary: 'What this node may spend in a day, and what it spent',
    answer: spending,
  }),
  changeSpending: route({
    method: 'PATCH',
    path: '/v1/spending',
    scope: 'operate',
    kind: 'json',
    summary: 'Changes what this node may spend in a day, at once and after restarts',
    description:
      'A lower cap ends no lease that runs. Who may only rent can ask for less than the cap, never for more: the lower of the two holds.',
    body: spendingPatch,
    answer: spending,
  }),
}

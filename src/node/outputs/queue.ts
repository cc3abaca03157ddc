import { z } from 'zod'
import { decimal, listOf, peerId, whole } from '../../api/common.ts'
import { drainState } from '../../api/status.ts'
import type { PolicyAnswer } from '../control/routes/policy.ts'
import type { QueueRow } from '../control/routes/queue.ts'
import type { Outputs } from './output.ts'

const queued: z.ZodType<QueueRow> = z.strictObject({
  ticket: z.string(),
  where: z.enum(['here', 'there']).describe('at this miner, or this node at another'),
  peer: peerId.describe('the other side'),
  position: whole.nullable().describe('0: its turn; null before the miner said'),
  waiting: whole.nullable().describe('how many wait in all'),
  etaMs: whole.nullable().describe('until its turn; null: nobody can tell'),
  sinceMs: whole.describe('unix ms'),
  devices: whole.nullable().describe('null where this node waits'),
  durationMs: whole.nullable().describe('of the lease it wants; null where this node waits'),
  paidBefore: z.boolean().nullable().describe('its renter, here; null where this node waits'),
  present: z.boolean().nullable().describe('whether its renter is there to take a turn'),
})

const policy: z.ZodType<PolicyAnswer> = z.strictObject({
  allowRenters: z.array(peerId).describe('none: anyone'),
  denyRenters: z.array(peerId),
  minLeaseMs: whole.nullable(),
  maxLeaseMs: whole.nullable(),
  maxLeasesPerRenter: whole.nullable(),
  maxWaiting: whole.describe('0: no queue'),
  priceFloor: decimal.nullable(),
  priceCeiling: decimal.nullable(),
  priceStepPercent: z.number().nullable(),
  priceWindowMs: whole,
  pricePerHour: decimal.nullable().describe('for the whole machine, as offered now'),
  asset: z.string().nullable(),
  usedShare: z.number().nullable().describe("of the devices' time in the window so far, 0 to 1"),
})

/** What commands print of who waits, and of whom a miner rents to. */
export const queueOutputs: Outputs = {
  queue: { describe: 'a list, in the order of turns', schema: listOf(queued) },
  'queue leave': {
    describe: 'how many places were given up',
    schema: z.strictObject({ left: whole }),
  },
  drain: { describe: 'how far it is', schema: drainState },
  policy: { describe: 'the rules, and the price now', schema: policy },
}

import { z } from 'zod'
import { decimal, pageAsked, pageOf, peerId, whole } from './common.ts'
import { route } from './route.ts'
import { drainState } from './status.ts'

const price = z.string().regex(/^\d{1,12}(\.\d{1,6})?$/, 'expected a price such as 1.25')
const leaseMs = z.int().min(1000)

/** A miner's policy, and what it does to its price. */
export const policy = z
  .strictObject({
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
  .meta({ id: 'Policy', description: 'Whom a miner rents to, for how long, at what price' })
export type PolicyAnswer = z.infer<typeof policy>

/** Some of the rules; null and an empty list lift them. */
const policyPatch = z
  .strictObject({
    allowRenters: z.array(peerId).max(10_000),
    denyRenters: z.array(peerId).max(10_000),
    minLeaseMs: leaseMs.nullable(),
    maxLeaseMs: leaseMs.nullable(),
    maxLeasesPerRenter: z.int().min(1).max(1000).nullable(),
    maxWaiting: z.int().min(0).max(1000),
    priceFloor: price.nullable(),
    priceCeiling: price.nullable(),
    priceStepPercent: z.number().positive().max(100).nullable(),
    priceWindowMs: z.int().min(1000),
  })
  .partial()

/** One place in a queue, as whoever keeps it or waits in it sees it. */
export const queueRow = z
  .strictObject({
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
  .meta({ id: 'QueuePlace', description: 'One place in a queue' })
export type QueueRow = z.infer<typeof queueRow>

/** How many places were given up. */
export const placesLeft = z.strictObject({ left: whole })

const miner = 'NOTHING_MATCHED on a node that is no miner.'

export const hostingRoutes = {
  getPolicy: route({
    method: 'GET',
    path: '/v1/policy',
    scope: 'read',
    kind: 'json',
    summary: 'Whom this miner rents to, for how long, and how its price moves',
    description: miner,
    answer: policy,
  }),
  changePolicy: route({
    method: 'PATCH',
    path: '/v1/policy',
    scope: 'operate',
    kind: 'json',
    summary: 'Changes rules of this miner, at once and after restarts',
    description: `${miner} BAD_CONFIG_POLICY for rules that contradict each other.`,
    body: policyPatch,
    answer: policy,
  }),
  getDrain: route({
    method: 'GET',
    path: '/v1/drain',
    scope: 'read',
    kind: 'json',
    summary: 'Whether this miner runs empty, and how far it is',
    description: miner,
    answer: drainState,
  }),
  changeDrain: route({
    method: 'PATCH',
    path: '/v1/drain',
    scope: 'operate',
    kind: 'json',
    summary: 'Lets this miner take no new leases, or take them again; also after restarts',
    description: miner,
    body: z.strictObject({ draining: z.boolean() }),
    answer: drainState,
  }),
  listQueue: route({
    method: 'GET',
    path: '/v1/queue',
    scope: 'read',
    kind: 'json',
    summary: 'Who waits at this node, in the order of turns, and where this node waits itself',
    query: pageAsked,
    answer: pageOf(queueRow),
  }),
  leaveQueue: route({
    method: 'POST',
    path: '/v1/queue/:ticket/leave',
    scope: 'rent',
    kind: 'json',
    summary: 'Gives a place up, on either side',
    params: z.object({ ticket: z.string().max(64).describe('or its beginning') }),
    answer: placesLeft,
  }),
}

import { z } from 'zod'
import { healths, leaseStates } from '../lease-states.ts'
import { decimal, pageAsked, pageOf, peerId, whole } from './common.ts'
import { DEFAULT_ORDER } from './offers.ts'
import { route } from './route.ts'

/** Whose doing the end of a lease is. */
export const endingOwners = ['renter', 'miner', 'nobody'] as const

/** What holds a tenant, in its miner's own word. */
export const isolation = z.looseObject({
  runtime: z.string().describe('runc, runsc, sysbox-runc, nvidia; none for plain processes'),
  fenced: z.boolean().describe("leases are kept from the host's networks"),
  diskQuota: z.boolean().describe('the storage itself holds a lease to its disk'),
  remote: z
    .literal(true)
    .optional()
    .describe('on another machine than its miner: its GPUs are not proven'),
})

/** The lease that a path names. */
export const leaseNamed = z.object({
  id: z
    .string()
    .max(160)
    .describe(
      'its id, a beginning of it that fits one alone, or `ID@PEERID` for one of another renter',
    ),
})

/** A lease that this node rented; amounts are decimals in `asset`. */
export const lease = z
  .strictObject({
    id: z.string(),
    state: z.enum(leaseStates),
    health: z.enum(healths),
    miner: peerId,
    renter: peerId,
    engine: z.string().nullable().describe('what runs it; null before it is known'),
    image: z.string(),
    command: z.array(z.string()).nullable(),
    devices: z.array(z.string()),
    memoryMiB: whole.describe('main memory it may use'),
    cpus: z.number().describe('processor cores it may use'),
    diskMiB: whole.nullable().describe('what it may write on the disk; null: no limit is agreed'),
    diskUsedMiB: whole
      .nullable()
      .describe('what of it is written, as measured last; null: unknown'),
    isolation: isolation
      .nullable()
      .describe('what holds it, as its miner signed it; null in old terms'),
    asset: z.string().describe('what amounts are in'),
    rail: z.string(),
    dph: decimal.describe('price per hour'),
    cap: decimal.describe('the most it can cost'),
    proofShare: z
      .number()
      .nullable()
      .describe("what the miner's proofs take of the devices' time, 0 to 1; null in old terms"),
    exclusive: z.boolean().describe('whether the devices prove nothing while it runs'),
    volumes: z
      .array(
        z.strictObject({
          name: z.string(),
          path: z.string(),
          sizeMiB: whole,
          readOnly: z.boolean(),
        }),
      )
      .describe('what outlives it'),
    durationMs: whole.describe('in all, extensions included'),
    extensions: whole.describe('how many of them count'),
    extendingToMs: whole
      .nullable()
      .describe('durationMs after an extension that does not count yet; null without one'),
    labels: z.record(z.string(), z.string()),
    ports: z.array(whole).describe('what forward makes local when none is named'),
    createdAtMs: whole,
    startedAtMs: whole.nullable(),
    expiresAtMs: whole.nullable(),
    progress: z
      .string()
      .nullable()
      .describe('what the miner is doing while it starts, or has to say later'),
    receipts: whole,
    upMs: whole,
    owed: decimal.describe('by the newest receipt'),
    acknowledged: decimal.describe('what of it is countersigned'),
    settled: decimal.nullable().describe('what was paid in the end'),
    over: z.boolean(),
    outcome: z.enum(['ended', 'failed', 'unknown']).nullable(),
    creditMs: whole.nullable().describe('of service that may stay uncountersigned; null: no limit'),
    graceMs: whole.nullable().describe('how long it is kept paused after that'),
    prepaidMs: whole.nullable().describe('how far this node signs in advance'),
    signedAhead: decimal.describe('up to where it did'),
    dispute: z.string().nullable().describe('what the miner did that is not countersigned'),
    reason: z.string().nullable(),
    ending: z.string().nullable().describe('the code of its end'),
    fault: z.enum(endingOwners).nullable().describe('whose doing its end is'),
  })
  .meta({ id: 'Lease', description: 'A lease that this node rented' })
export type Lease = z.infer<typeof lease>

/** One receipt of a lease. */
const receipt = z.strictObject({
  seq: whole,
  atMs: whole.describe('unix ms'),
  upMs: whole,
  owed: decimal.describe("in the lease's asset"),
  countersigned: z.boolean(),
  final: z.string().nullable().describe('why it is the last one'),
})
export type ReceiptRow = z.infer<typeof receipt>

/** A lease's receipts, after its chain was checked. */
export const receipts = z
  .strictObject({
    lease: z.string(),
    asset: z.string(),
    verified: z.boolean().describe('both signatures, every link and every amount were checked'),
    claimed: decimal,
    acknowledged: decimal,
    items: z.array(receipt),
    evidence: z.string().describe('base64, for anyone to check without this node'),
  })
  .meta({ id: 'Receipts', description: "A lease's receipts, checked as a whole" })
export type ReceiptsAnswer = z.infer<typeof receipts>

const MAX_MS = 24 * 366 * 3_600_000
const secret = z.string().min(1).max(8192)
const amount = z.string().max(40)

/** Names and values that this node alone knows a lease by. */
const labels = z.record(z.string().max(64), z.string().max(128))

const askedVolume = z.looseObject({
  name: z.string().max(64),
  path: z.string().max(255).describe('an absolute path in the container'),
  sizeMiB: z.int().min(16).optional(),
  readOnly: z.literal(true).optional(),
})

/** What a renter wishes for. */
export const wish = z.strictObject({
  query: z.string().max(4096).default('').describe('a query, or the id of an offer'),
  order: z.string().max(512).default(DEFAULT_ORDER).describe('the first offer by it is taken'),
  image: z
    .string()
    .max(255)
    .optional()
    .describe("absent: the devnet's own on a local network, elsewhere a common one"),
  registryAuth: z
    .union([
      z.strictObject({ username: secret, password: secret }),
      z.strictObject({ identitytoken: secret }),
    ])
    .optional()
    .describe("a login at the image's registry; it goes to the miner and is kept nowhere"),
  command: z.array(z.string()).min(1).max(64).optional(),
  durationMs: z.int().min(1000).max(MAX_MS),
  devices: z.int().min(1).max(32).optional(),
  exclusive: z
    .boolean()
    .optional()
    .describe('the devices shall prove nothing meanwhile; only offers with a price for that'),
  prepaidMs: z.int().min(0).max(MAX_MS).optional().describe('how far to sign in advance'),
  maxDph: amount.optional().describe('the highest price per hour'),
  maxCost: amount.optional().describe('the most it may cost in all'),
  maxDailyCost: amount
    .optional()
    .describe("the most that all leases may cost in a day; the node's own cap holds besides"),
  authorized: z.array(peerId).max(8).default([]).describe('who else may enter it'),
  waitMs: z
    .int()
    .min(0)
    .max(MAX_MS)
    .optional()
    .describe("how long to wait in a miner's queue; who hangs up gives its place up"),
  name: z
    .string()
    .max(64)
    .optional()
    .describe('under which events tell what happens to it, in their field `order`'),
  env: z
    .record(z.string().max(128), z.string().max(8192))
    .optional()
    .describe('variables of its processes; they go to the miner and are not kept'),
  labels: labels.optional(),
  ports: z
    .array(z.int().min(1).max(65_535))
    .max(16)
    .optional()
    .describe('what forward makes local when none is named'),
  volumes: z.array(askedVolume).max(8).default([]).describe('what it shall keep beyond the lease'),
})
export type WishBody = z.input<typeof wish>

/** More time. */
export const extension = z.strictObject({
  addMs: z.int().min(1000).max(MAX_MS),
  maxCost: amount.optional().describe('the most the whole lease may cost then'),
  maxDailyCost: amount.optional(),
})
export type ExtensionBody = z.input<typeof extension>

/** What is removed goes first. */
export const labelling = z.strictObject({
  set: labels.default({}),
  remove: z.array(z.string().max(64)).max(64).default([]),
})
export type LabelsBody = z.input<typeof labelling>

const notRunning = 'REFUSED_NOT_RUNNING when the lease is over.'

export const leaseRoutes = {
  listLeases: route({
    method: 'GET',
    path: '/v1/leases',
    scope: 'read',
    kind: 'json',
    summary: 'All leases that this node rented, newest first',
    query: pageAsked,
    answer: pageOf(lease),
  }),
  rent: route({
    method: 'POST',
    path: '/v1/leases',
    scope: 'rent',
    kind: 'json',
    summary: 'Rents the first offer that fits; the lease may still be starting',
    description:
      'NOTHING_MATCHED when no offer fits, REFUSED_COST and REFUSED_SPENDING for what it may cost, else what the last miner said. With an idempotency key the same wish is granted once.',
    idempotent: true,
    body: wish,
    answer: lease,
  }),
  getLease: route({
    method: 'GET',
    path: '/v1/leases/:id',
    scope: 'read',
    kind: 'json',
    summary: 'One lease',
    params: leaseNamed,
    answer: lease,
  }),
  waitForLease: route({
    method: 'GET',
    path: '/v1/leases/:id/wait',
    scope: 'read',
    kind: 'json',
    summary: 'One lease, once it is over or what is asked for came to be',
    params: leaseNamed,
    query: z.object({
      state: z.enum(['running', 'over']).optional().describe('`running`: answers once it runs'),
      ms: z.coerce
        .number()
        .min(0)
        .default(0)
        .describe('answers then at the latest, with what it is; 60000 at most'),
      said: z.string().optional().describe('answers when its progress is another one'),
      notState: z.string().optional().describe('answers when its state is another one'),
    }),
    answer: lease,
  }),
  stopLease: route({
    method: 'POST',
    path: '/v1/leases/:id/stop',
    scope: 'rent',
    kind: 'json',
    summary: 'Ends a lease; what was used is paid',
    params: leaseNamed,
    body: z.object({ reason: z.string().default('stopped by the renter') }),
    answer: lease,
  }),
  extendLease: route({
    method: 'POST',
    path: '/v1/leases/:id/extend',
    scope: 'rent',
    kind: 'json',
    summary: 'Gives a lease more time',
    description: `${notRunning} REFUSED_EXTENSION of the miner; REFUSED_COST, REFUSED_SPENDING of this node's own caps.`,
    idempotent: true,
    params: leaseNamed,
    body: extension,
    answer: lease,
  }),
  pauseLease: route({
    method: 'POST',
    path: '/v1/leases/:id/pause',
    scope: 'rent',
    kind: 'json',
    summary: 'Pauses what runs in a lease; it costs as if it ran',
    description: notRunning,
    params: leaseNamed,
    answer: lease,
  }),
  resumeLease: route({
    method: 'POST',
    path: '/v1/leases/:id/resume',
    scope: 'rent',
    kind: 'json',
    summary: 'Lets a paused lease go on',
    description: notRunning,
    idempotent: true,
    params: leaseNamed,
    answer: lease,
  }),
  labelLease: route({
    method: 'POST',
    path: '/v1/leases/:id/labels',
    scope: 'rent',
    kind: 'json',
    summary: 'What this node alone calls a lease by',
    params: leaseNamed,
    body: labelling,
    answer: lease,
  }),
  getReceipts: route({
    method: 'GET',
    path: '/v1/leases/:id/receipts',
    scope: 'read',
    kind: 'json',
    summary: "A lease's receipts, checked from the terms on, with the evidence to export",
    params: leaseNamed,
    answer: receipts,
  }),
}

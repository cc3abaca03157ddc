import { z } from 'zod'
import { pageOf, pageQuery, peerId, whole } from './common.ts'
import { route } from './route.ts'

/** Cheapest first, and of equal prices the better miner. */
export const DEFAULT_ORDER = 'dph,-score'

const measured = z
  .looseObject({
    memoryMiB: whole.optional(),
    bandwidthMBps: whole.optional(),
    mops: whole.optional().describe('millions of integer operations per second'),
    attestations: z.array(z.string()).describe('ids, in hex, of the testimony'),
  })
  .describe('what validators measured')

const device = z.looseObject({
  id: z.string().describe('PCI address, or `cpu-0` for processor capacity alone'),
  vendor: z.string(),
  name: z.string(),
  vramMiB: whole,
  driver: z.string().optional(),
  computeCapability: z.string().optional(),
  measured: measured.optional(),
})

/** One offer: the fields of the query language by their names (docs/cli.md), and what has none. */
export const offer = z
  .looseObject({
    id: z.string().describe('of the offer, in hex'),
    host_id: peerId.describe('PeerId of the miner'),
    recordId: z.string().describe("of its newest record, in hex: what a lease's terms name"),
    expiresAtMs: whole.describe('unix ms'),
    seq: whole,
    devices: z.array(device),
  })
  .meta({ id: 'Offer', description: 'What can be rented; fields of the query language besides' })
export type Offer = z.infer<typeof offer>

export const offerRoutes = {
  listOffers: route({
    method: 'GET',
    path: '/v1/offers',
    scope: 'read',
    kind: 'json',
    summary: 'Standing offers that match a query',
    description: 'BAD_CONFIG_QUERY when the query or the order cannot be read.',
    query: z.object({
      q: z.string().max(4096).default('').describe('a query, e.g. `gpu_name=H100 dph<3`'),
      order: z
        .string()
        .max(512)
        .default(DEFAULT_ORDER)
        .describe('fields, the first counts most; `-` before one: falling'),
      ...pageQuery,
    }),
    answer: pageOf(offer),
  }),
}

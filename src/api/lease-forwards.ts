import { z } from 'zod'
import { listOf, whole } from './common.ts'
import { leaseNamed } from './leases.ts'
import { route } from './route.ts'

const port = z.int().min(1).max(65_535)

/** A port of a lease that this node listens for on 127.0.0.1. */
export const leaseForward = z
  .strictObject({
    id: z.string(),
    lease: z.string(),
    port: whole.describe('in the lease'),
    localPort: whole.describe('of 127.0.0.1'),
    url: z
      .string()
      .describe(
        'on `localhost`: a page there has neither the cookies nor the rights of pages of 127.0.0.1',
      ),
    openedAtMs: whole,
    closedAtMs: whole.nullable().describe('null while it listens'),
    reason: z.string().nullable().describe('why it closed'),
    failed: whole.describe('connections that could not be carried, or broke'),
    failure: z.string().nullable().describe('why the newest of them'),
  })
  .meta({ id: 'LeaseForward', description: 'A port of a lease that this node listens for' })
export type LeaseForward = z.infer<typeof leaseForward>

export const leaseForwardRoutes = {
  openLeaseForward: route({
    method: 'POST',
    path: '/v1/leases/:id/forwards',
    scope: 'rent',
    kind: 'json',
    summary: 'Listens on 127.0.0.1 for a port of a lease',
    description:
      'It listens until it is closed, its lease ends, or the node stops. BAD_CONFIG_PORT: `localPort` is taken. REFUSED_FORWARDS: 64 are open.',
    params: leaseNamed,
    body: z.strictObject({
      port,
      localPort: z.int().min(0).max(65_535).default(0).describe('a free one when absent or 0'),
    }),
    answer: leaseForward,
    status: 201,
  }),
  listLeaseForwards: route({
    method: 'GET',
    path: '/v1/leases/:id/forwards',
    scope: 'read',
    kind: 'json',
    summary: 'The forwarded ports of a lease, newest first, the newest closed ones too',
    params: leaseNamed,
    answer: listOf(leaseForward),
  }),
  closeLeaseForward: route({
    method: 'POST',
    path: '/v1/leases/:id/forwards/:forward/close',
    scope: 'rent',
    kind: 'json',
    summary: 'Ends a forwarded port, and what it carries',
    params: leaseNamed.extend({ forward: z.string().max(32) }),
    answer: leaseForward,
  }),
}

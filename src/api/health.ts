import { z } from 'zod'
import { route } from './route.ts'

/** Whether a node can do its work: names alone, for who asks did not say who he is. */
export const readiness = z
  .strictObject({
    ready: z.boolean(),
    reasons: z.array(z.string()).describe('what is missing, by name, e.g. `chain`'),
  })
  .meta({ title: 'Readiness' })
export type Readiness = z.output<typeof readiness>

/** What supervisors and monitoring ask. */
export const healthRoutes = {
  getReadiness: route({
    method: 'GET',
    path: '/readyz',
    scope: 'public',
    kind: 'stream',
    summary: 'Whether the node can do its work',
    description:
      '200 when its services are started, its engines take leases and its chain is followed; else 503. The document is the same: `{ready, reasons}`.',
    answer: readiness,
  }),
  getMetrics: route({
    method: 'GET',
    path: '/metrics',
    scope: 'read',
    kind: 'stream',
    summary: 'The metrics of the node',
    description: 'The text format of Prometheus; docs/metrics.md has every name.',
  }),
}

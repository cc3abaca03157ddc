import { z } from 'zod'
import { whole } from './common.ts'
import { route } from './route.ts'

/** What happens in a node. */
export const nodeEvent = z
  .looseObject({
    event: z.string().describe('stable kebab-case name, e.g. `offer-seen`, `lease-settled`'),
    atMs: whole.describe('unix ms'),
  })
  .meta({ id: 'NodeEvent', description: 'Something that happened in the node' })

export const eventRoutes = {
  watchEvents: route({
    method: 'GET',
    path: '/v1/events',
    scope: 'read',
    kind: 'events',
    summary: 'What happens in the node, the newest past events first',
    description: [
      'Server-sent events with `id`; `Last-Event-ID` goes on behind that one. The node keeps the newest 500. What is gone',
      'by then, because the reader was away or too slow, is told by an event `events-missed` with `missed`, how many at',
      'most, or null where the node was restarted meanwhile. A comment comes every 15 seconds. `access-ended` is the last',
      'event of a caller whose token or session ended.',
    ].join(' '),
    query: z.object({
      event: z
        .string()
        .max(1024)
        .optional()
        .describe('names of the events wanted, with commas between; absent: all'),
    }),
    answer: nodeEvent,
  }),
}

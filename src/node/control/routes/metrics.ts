import type { FastifyInstance } from 'fastify'
import { healthRoutes } from '../../../api/health.ts'
import { scrape } from '../../metrics/collect.ts'
import type { Parts } from '../../parts.ts'
import { addStream } from '../add-route.ts'

/** The text format of Prometheus, version 0.0.4. */
const TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** `GET /metrics`, for Prometheus (docs/metrics.md). */
export function metricsRoute(app: FastifyInstance, parts: Parts): void {
  addStream(app, healthRoutes.getMetrics, async (_asked, _request, reply) =>
    reply.type(TYPE).send(Buffer.from(await scrape(parts))),
  )
}

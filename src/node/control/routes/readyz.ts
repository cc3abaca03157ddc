import type { FastifyInstance } from 'fastify'
import { healthRoutes, type Readiness as Told } from '../../../api/health.ts'
import { type Readiness, reasonsOf } from '../../readiness.ts'
import { addStream } from '../add-route.ts'

/** `GET /readyz`: 200 when the node can do its work, else 503 with the names of what it lacks, and nothing else. */
export function readyzRoute(
  app: FastifyInstance,
  { readiness }: { readonly readiness: Readiness },
): void {
  addStream(app, healthRoutes.getReadiness, (_asked, _request, reply) => {
    const reasons = reasonsOf(readiness)
    const told: Told = { ready: reasons.length === 0, reasons }
    return reply.code(told.ready ? 200 : 503).send(told)
  })
}

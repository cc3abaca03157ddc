import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { findLease } from '../../leases/find-lease.ts'
import { openUsage } from '../../leases/open-usage.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { createEventStreams } from '../event-stream.ts'
import { parsed } from '../parsed.ts'

const asked = z.strictObject({ everyMs: z.coerce.number().int().min(1000).max(60_000).optional() })

/**
 * `GET /v1/leases/:id/usage`: what the container uses, an event `usage` (a UsageView) each second or `everyMs`, until the
 * reader leaves; the end of the lease is told by the last event, `ended`.
 */
export function usageRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  const streams = createEventStreams(app)
  app.get<{ Params: { id: string } }>('/v1/leases/:id/usage', async (request, reply) => {
    const { everyMs } = parsed(asked, request.query)
    const found = await findLease(book, request.params.id)
    return streams.answer(reply, 'usage', (signal) => openUsage(book, found, { signal, everyMs }))
  })
}

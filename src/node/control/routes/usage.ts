import type { FastifyInstance } from 'fastify'
import { leaseUsageRoutes } from '../../../api/lease-usage.ts'
import { findLease } from '../../leases/find-lease.ts'
import { createUsageKeeper } from '../../leases/kept-usage.ts'
import { openUsage } from '../../leases/open-usage.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { addStream } from '../add-route.ts'
import { createEventStreams } from '../event-stream.ts'

/** What the container of a lease uses, as events, until the reader leaves or the lease ends. */
export function usageRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  const streams = createEventStreams(app)
  const keeper = createUsageKeeper(book)
  app.addHook('onClose', async () => keeper[Symbol.dispose]())
  addStream(app, leaseUsageRoutes.watchLeaseUsage, async ({ params, query }, _, reply) => {
    const found = await findLease(book, params.id)
    const { everyMs, kept } = query
    if (kept === true) return streams.answerNamed(reply, (signal) => keeper.open(found, signal))
    return streams.answer(reply, 'usage', (signal) => openUsage(book, found, { signal, everyMs }))
  })
}

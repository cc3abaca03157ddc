import type { FastifyInstance } from 'fastify'
import { leaseForwardRoutes } from '../../../api/lease-forwards.ts'
import { leaseEnded } from '../../leases/enter-lease.ts'
import { findLease } from '../../leases/find-lease.ts'
import { createKeptForwards } from '../../leases/kept-forwards.ts'
import { isRunning } from '../../leases/lease-machine.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { addRoute } from '../add-route.ts'

/** Ports of leases that the node listens for by itself, whoever asked for them comes and goes. */
export function leaseForwardsRoute(
  app: FastifyInstance,
  { renting: book }: { renting: RentBook },
): void {
  const forwards = createKeptForwards(book)
  app.addHook('onClose', () => forwards[Symbol.asyncDispose]())
  addRoute(app, leaseForwardRoutes.openLeaseForward, async ({ params, body }) => {
    const found = await findLease(book, params.id)
    const lease = book.live.get(found.id)?.lease ?? found.mine?.lease
    if (lease !== undefined && !isRunning(lease)) throw leaseEnded(lease.ending?.reason)
    return forwards.open(found, body)
  })
  addRoute(app, leaseForwardRoutes.listLeaseForwards, async ({ params }) => {
    const { id } = await findLease(book, params.id)
    return { items: forwards.list(id) }
  })
  addRoute(app, leaseForwardRoutes.closeLeaseForward, async ({ params }) => {
    const { id } = await findLease(book, params.id)
    return forwards.close(id, params.forward)
  })
}

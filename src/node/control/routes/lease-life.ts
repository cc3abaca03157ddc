import type { FastifyInstance } from 'fastify'
import { leaseRoutes } from '../../../api/leases.ts'
import { NodeError } from '../../../errors.ts'
import { extendLease } from '../../leases/extend-lease.ts'
import type { FoundLease } from '../../leases/find-lease.ts'
import { labels } from '../../leases/lease-records.ts'
import { viewOf } from '../../leases/lease-view.ts'
import { pauseRented } from '../../leases/pause-rented.ts'
import type { RentBook, RentedNow } from '../../leases/rent-book.ts'
import { addRoute } from '../add-route.ts'
import { parsed } from '../parsed.ts'
import { own, show } from './leases.ts'

/** The life of a lease that this node rented, between its start and its end: extend, pause, resume, label. */
export function leaseLifeRoute(
  app: FastifyInstance,
  { renting: book }: { readonly renting: RentBook },
): void {
  addRoute(app, leaseRoutes.extendLease, async ({ params, body, idempotencyKey }) => {
    const found = await own(book, params.id)
    await extendLease(book, running(book, found), { ...body, idempotencyKey })
    return show(book, found)
  })
  const turn = async (name: string, kind: 'pause' | 'resume') => {
    const found = await own(book, name)
    await pauseRented(book, running(book, found), kind)
    return show(book, found)
  }
  addRoute(app, leaseRoutes.pauseLease, ({ params }) => turn(params.id, 'pause'))
  addRoute(app, leaseRoutes.resumeLease, ({ params }) => turn(params.id, 'resume'))
  addRoute(app, leaseRoutes.labelLease, async ({ params, body: { set, remove } }) => {
    const { id } = await own(book, params.id)
    return book.locks.run(id, async () => {
      const lease = book.live.get(id)?.lease ?? (await book.records.get(id))!
      const kept = Object.entries(lease.labels ?? {}).filter(([name]) => !remove.includes(name))
      const next = { ...lease, labels: parsed(labels(), { ...Object.fromEntries(kept), ...set }) }
      const now = book.live.get(id)
      if (now === undefined) await book.records.put(next)
      else await book.save(now, next)
      return viewOf(book, next)
    })
  })
}

/** A lease that is not over. */
function running(book: RentBook, { id }: FoundLease): RentedNow {
  const now = book.live.get(id)
  if (now !== undefined) return now
  throw new NodeError('REFUSED_NOT_RUNNING', 'the lease is over', {
    next: `compute-node show ${id.slice(0, 12)}`,
  })
}

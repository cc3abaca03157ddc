import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { NodeError } from '../../../errors.ts'
import { hoursMs } from '../../../units.ts'
import { extendLease } from '../../leases/extend-lease.ts'
import type { FoundLease } from '../../leases/find-lease.ts'
import { labelName, labels } from '../../leases/lease-records.ts'
import { viewOf } from '../../leases/lease-view.ts'
import { pauseRented } from '../../leases/pause-rented.ts'
import type { RentBook, RentedNow } from '../../leases/rent-book.ts'
import { parsed } from '../parsed.ts'
import { own, show } from './leases.ts'

/** The body of `POST /v1/leases/:id/extend`. */
const extension = z.strictObject({
  addMs: z
    .int()
    .min(1000)
    .max(hoursMs(24 * 366)),
  maxCost: z.string().max(40).optional(),
  maxDailyCost: z.string().max(40).optional(),
})
export type ExtensionBody = z.input<typeof extension>

/** The body of `POST /v1/leases/:id/labels`: what is removed goes first. */
const labelling = z.strictObject({
  set: labels().default({}),
  remove: z.array(labelName()).max(64).default([]),
})
export type LabelsBody = z.input<typeof labelling>

type Named = { Params: { id: string } }

/** The life of a lease that this node rented, between its start and its end: extend, pause, resume, label. */
export function leaseLifeRoute(
  app: FastifyInstance,
  { renting: book }: { readonly renting: RentBook },
): void {
  app.post<Named>('/v1/leases/:id/extend', async ({ params, body, headers }) => {
    const order = parsed(extension, body)
    const found = await own(book, params.id)
    const header = headers['idempotency-key']
    const idempotencyKey = typeof header === 'string' ? header.slice(0, 128) : undefined
    await extendLease(book, running(book, found), { ...order, idempotencyKey })
    return show(book, found)
  })
  for (const kind of ['pause', 'resume'] as const) {
    app.post<Named>(`/v1/leases/:id/${kind}`, async ({ params }) => {
      const found = await own(book, params.id)
      await pauseRented(book, running(book, found), kind)
      return show(book, found)
    })
  }
  app.post<Named>('/v1/leases/:id/labels', async ({ params, body }) => {
    const { set, remove } = parsed(labelling, body)
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

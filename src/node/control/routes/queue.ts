import type { FastifyInstance } from 'fastify'
import { hostingRoutes, type QueueRow } from '../../../api/hosting.ts'
import { NodeError } from '../../../errors.ts'
import type { HostBook } from '../../leases/host-book.ts'
import { dropPlace, placeOf } from '../../leases/host-queue.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import type { WaitingNow } from '../../leases/waiting-line.ts'
import { addRoute } from '../add-route.ts'
import { pageOf } from '../page.ts'

interface Needs {
  readonly hosting: HostBook | undefined
  readonly renting: RentBook
}

/**
 * `GET /v1/queue`: who waits at this node, in the order of turns, and where this node waits itself.
 * `POST /v1/queue/:ticket/leave`: gives a place up, on either side; the beginning of a ticket will do.
 */
export function queueRoute(app: FastifyInstance, { hosting, renting }: Needs): void {
  addRoute(app, hostingRoutes.listQueue, ({ query }) => {
    const here = hosting === undefined ? [] : hostedPlaces(hosting)
    return pageOf([...here, ...ownPlaces(renting)], query, ({ ticket }) => ticket)
  })
  addRoute(app, hostingRoutes.leaveQueue, async ({ params }) => {
    const ticket = params.ticket.toLowerCase()
    if (!/^[0-9a-f]{4,32}$/.test(ticket)) {
      throw new NodeError('BAD_CONFIG_TICKET', `"${params.ticket}" is no ticket`, { next: LIST })
    }
    const here = (hosting?.line.all() ?? []).filter(({ id }) => id.startsWith(ticket))
    const left = here.length + renting.waits.end(ticket)
    if (hosting !== undefined) {
      await Promise.all(here.map((one) => dropPlace(hosting, one, 'the miner ended it')))
    }
    if (left > 0) return { left }
    throw new NodeError('NOTHING_MATCHED', `nobody waits with ticket ${ticket}`, { next: LIST })
  })
}

const LIST = 'compute-node queue lists who waits'

function hostedPlaces(book: HostBook): QueueRow[] {
  const turns = book.line.all().filter(({ turn }) => turn !== undefined)
  return [...turns, ...book.line.order()].map((one) => hostedRow(book, one))
}

function hostedRow(book: HostBook, one: WaitingNow): QueueRow {
  const { position, waiting, etaMs = null } = placeOf(book, one)
  return {
    ...{ ticket: one.id, where: 'here', peer: one.renter, position, waiting, etaMs },
    sinceMs: one.ticket.sinceMs,
    devices: one.count,
    durationMs: one.ticket.durationMs,
    paidBefore: !one.stranger,
    present: book.line.isPresent(one),
  }
}

const ownPlaces = ({ waits }: RentBook): QueueRow[] =>
  waits.all().map(({ miner, ...row }) => ({
    ...{ ...row, where: 'there', peer: miner },
    ...{ devices: null, durationMs: null, paidBefore: null, present: null },
  }))

import type { FastifyInstance } from 'fastify'
import { NodeError } from '../../../errors.ts'
import type { HostBook } from '../../leases/host-book.ts'
import { dropPlace, placeOf } from '../../leases/host-queue.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import type { WaitingNow } from '../../leases/waiting-line.ts'

/** One place in a queue, as whoever keeps it or waits in it sees it. */
export interface QueueRow {
  readonly ticket: string
  /** `here`: in the queue of this node; `there`: this node waits at another. */
  readonly where: 'here' | 'there'
  /** The other side: the renter, or the miner. */
  readonly peer: string
  /** 0: its turn; null before the miner said. */
  readonly position: number | null
  readonly waiting: number | null
  /** Until its turn; null: nobody can tell. */
  readonly etaMs: number | null
  readonly sinceMs: number
  /** What it waits for; null on the side that waits. */
  readonly devices: number | null
  readonly durationMs: number | null
  /** Whether its renter has paid here before; null on the side that waits. */
  readonly paidBefore: boolean | null
  /** Whether its renter is there to take a turn; null on the side that waits. */
  readonly present: boolean | null
}

interface Needs {
  readonly hosting: HostBook | undefined
  readonly renting: RentBook
}

/**
 * `GET /v1/queue`: who waits at this node, in the order of turns, and where this node waits itself.
 * `POST /v1/queue/:ticket/leave`: gives a place up, on either side; the beginning of a ticket will do.
 */
export function queueRoute(app: FastifyInstance, { hosting, renting }: Needs): void {
  app.get('/v1/queue', async () => ({
    items: [...(hosting === undefined ? [] : hostedPlaces(hosting)), ...ownPlaces(renting)],
  }))
  app.post<{ Params: { ticket: string } }>('/v1/queue/:ticket/leave', async ({ params }) => {
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

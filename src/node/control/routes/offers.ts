import type { FastifyInstance } from 'fastify'
import type { OfferDevice } from '../../../protocols/offers.ts'
import { parseOrder, withDefaults } from '../../../protocols/query/match.ts'
import { parseQuery } from '../../../protocols/query/parse.ts'
import type { Listing, Offers } from '../../offers.ts'

/** One offer: the fields of the query language by their names, and what has none. */
export interface OfferRow {
  readonly [field: string]: unknown
  readonly id: string
  readonly host_id: string
  /** Of the newest record of this offer: what a lease's terms name. */
  readonly recordId: string
  readonly expiresAtMs: number
  readonly seq: number
  readonly devices: readonly OfferDevice[]
}

/** Unless the query speaks of it: an offer that cannot be taken is no offer. */
const DEFAULTS = [parseQuery('rentable=true')]
/** Cheapest first, and of equal prices the better miner. */
export const DEFAULT_ORDER = 'dph,-score'

interface Asked {
  q?: string
  order?: string
}

/** `GET /v1/offers?q=QUERY&order=FIELDS`: standing offers that match. BAD_CONFIG_QUERY when either cannot be read. */
export function offersRoute(app: FastifyInstance, { offers }: { readonly offers: Offers }): void {
  app.get<{ Querystring: Asked }>('/v1/offers', async ({ query }) => {
    const { q = '', order = DEFAULT_ORDER } = query
    const wanted = withDefaults(parseQuery(q), DEFAULTS)
    return { items: offers.search(wanted, parseOrder(order)).map(rowOf) }
  })
}

const rowOf = ({ record, facts }: Listing): OfferRow => ({
  ...facts,
  id: String(facts['id']),
  recordId: Buffer.from(record.id).toString('hex'),
  host_id: record.payload.peerId,
  expiresAtMs: record.payload.expiresAtMs,
  seq: record.payload.seq,
  devices: record.payload.devices,
})

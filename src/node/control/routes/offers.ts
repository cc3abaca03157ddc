import type { FastifyInstance } from 'fastify'
import { offerRoutes } from '../../../api/offers.ts'
import { parseOrder, withDefaults } from '../../../query/match.ts'
import { parseQuery } from '../../../query/parse.ts'
import type { Listing, Offers } from '../../offers.ts'
import { addRoute } from '../add-route.ts'
import { pageOf } from '../page.ts'

/** Unless the query speaks of it: an offer that cannot be taken is no offer. */
const DEFAULTS = [parseQuery('rentable=true')]
/** `GET /v1/offers`. */
export function offersRoute(app: FastifyInstance, { offers }: { readonly offers: Offers }): void {
  addRoute(app, offerRoutes.listOffers, ({ query }) => {
    const wanted = withDefaults(parseQuery(query.q), DEFAULTS)
    const found = offers.search(wanted, parseOrder(query.order)).map(rowOf)
    return pageOf(found, query, ({ id }) => id)
  })
}

const rowOf = ({ record, facts }: Listing) => ({
  ...facts,
  id: String(facts['id']),
  recordId: Buffer.from(record.id).toString('hex'),
  host_id: record.payload.peerId,
  expiresAtMs: record.payload.expiresAtMs,
  seq: record.payload.seq,
  devices: record.payload.devices,
})

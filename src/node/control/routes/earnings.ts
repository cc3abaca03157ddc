import type { FastifyInstance } from 'fastify'
import { networkRoutes } from '../../../api/network.ts'
import type { Core } from '../../core.ts'
import { earningToJson, openEarningsBook } from '../../earnings-book.ts'
import { openNominatorsBook, sharedToJson } from '../../nominators-book.ts'
import { addRoute } from '../add-route.ts'

/**
 * `GET /v1/earnings?hotkey=SS58&from=EPOCH&to=EPOCH`: what this node recorded of those epochs, both included; under
 * `/v1/earnings/nominators` what they gave to who had staked on the hotkey.
 */
export function earningsRoute(app: FastifyInstance, { core }: { readonly core: Core }): void {
  const book = openEarningsBook(core.store)
  addRoute(app, networkRoutes.listRecordedEarnings, async ({ query: { hotkey, from, to } }) => {
    return { items: (await book.between(hotkey, from, to)).map(earningToJson) }
  })
  const nominators = openNominatorsBook(core.store)
  addRoute(app, networkRoutes.listRecordedNominators, async ({ query: { hotkey, from, to } }) => {
    return { items: (await nominators.between(hotkey, from, to)).map(sharedToJson) }
  })
}

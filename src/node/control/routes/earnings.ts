import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Core } from '../../core.ts'
import { earningToJson, openEarningsBook } from '../../earnings-book.ts'
import { openNominatorsBook, sharedToJson } from '../../nominators-book.ts'
import { parsed } from '../parsed.ts'

const asked = z.strictObject({
  hotkey: z.string().max(64),
  from: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  to: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
})

/** What the node recorded, each epoch as JSON text, in which amounts are decimal text. */
export interface EarningsAnswer {
  readonly items: readonly string[]
}

/**
 * `GET /v1/earnings?hotkey=SS58&from=EPOCH&to=EPOCH`: what this node recorded of those epochs, both included; under
 * `/v1/earnings/nominators` what they gave to who had staked on the hotkey.
 */
export function earningsRoute(app: FastifyInstance, { core }: { readonly core: Core }): void {
  const book = openEarningsBook(core.store)
  app.get('/v1/earnings', async ({ query }): Promise<EarningsAnswer> => {
    const { hotkey, from, to } = parsed(asked, query)
    return { items: (await book.between(hotkey, from, to)).map(earningToJson) }
  })
  const nominators = openNominatorsBook(core.store)
  app.get('/v1/earnings/nominators', async ({ query }): Promise<EarningsAnswer> => {
    const { hotkey, from, to } = parsed(asked, query)
    return { items: (await nominators.between(hotkey, from, to)).map(sharedToJson) }
  })
}

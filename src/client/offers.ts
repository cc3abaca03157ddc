import type { Offer } from '../api/offers.ts'
import type { HttpClient } from './http-client.ts'

export interface SearchOptions {
  /** Fields to order by; `-` before one: falling. Cheapest first where absent. */
  readonly order?: string | undefined
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface WatchOptions extends Omit<SearchOptions, 'limit'> {
  /** In the query language (docs/cli.md); all that can be rented where absent. */
  readonly query?: string | undefined
}

/** How the standing offers that match changed. */
export type OfferChange =
  | { readonly kind: 'added' | 'removed'; readonly offer: Offer }
  | { readonly kind: 'changed'; readonly offer: Offer; readonly before: Offer }

/** An offer ends by its own clock too, so it is looked again without news. */
const LOOK_AGAIN_MS = 10_000
/** Gossip comes in bursts: what comes within this is looked at together. */
const TOGETHER_MS = 200

/** The standing offers that match, best first. @throws BAD_CONFIG_QUERY when the query or the order cannot be read */
export async function searchOffers(
  http: HttpClient,
  query: string,
  { order, limit, signal }: SearchOptions,
): Promise<Offer[]> {
  const asked = { q: query, order, limit }
  const answer = await http.ask<{ readonly items: readonly Offer[] }>({
    path: '/v1/offers',
    query: asked,
    signal,
  })
  return answer.items.slice(0, limit)
}

/** Every offer that stands is `added` first; then what changes, until `signal` aborts. */
export async function* watchOffers(
  http: HttpClient,
  { query = '', order, signal: given }: WatchOptions,
): AsyncGenerator<OfferChange, void, void> {
  const own = new AbortController()
  const signal = given === undefined ? own.signal : AbortSignal.any([given, own.signal])
  const news = newsOf(http, signal)
  let known = new Map<string, Offer>()
  try {
    for (;;) {
      const asked = order === undefined ? { signal } : { order, signal }
      const now = new Map((await searchOffers(http, query, asked)).map((one) => [one.id, one]))
      yield* changesOf(known, now)
      known = now
      await news.next()
    }
  } catch (error) {
    if (given?.aborted !== true) throw error
  } finally {
    own.abort()
  }
}

/** What is different now, removals first. An offer announced anew with nothing changed is none. */
export function* changesOf(
  before: ReadonlyMap<string, Offer>,
  now: ReadonlyMap<string, Offer>,
): Generator<OfferChange, void, void> {
  for (const [id, offer] of before) if (!now.has(id)) yield { kind: 'removed', offer }
  for (const [id, offer] of now) {
    const known = before.get(id)
    if (known === undefined) yield { kind: 'added', offer }
    else if (contentOf(known) !== contentOf(offer)) yield { kind: 'changed', offer, before: known }
  }
}

/** What a renter cares for: not when it was last announced. */
const contentOf = ({ recordId: _, expiresAtMs: __, seq: ___, ...content }: Offer): string =>
  JSON.stringify(content)

/** Resolves at the next news of offers, or after a while without. */
function newsOf(http: HttpClient, signal: AbortSignal): { next(): Promise<void> } {
  let failure: { readonly error: unknown } | undefined
  let hasNews = false
  let wake = (): void => undefined
  const hear = async (): Promise<void> => {
    const query = { event: 'offer-seen,offer-withdrawn,offer-expired' }
    for await (const { event } of http.events({ path: '/v1/events', query, signal })) {
      if (!event.startsWith('offer-')) continue
      hasNews = true
      wake()
    }
  }
  hear().catch((error: unknown) => {
    failure = { error }
    wake()
  })
  signal.addEventListener('abort', () => wake(), { once: true })
  const waited = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  return {
    async next() {
      if (!hasNews && failure === undefined) await waited(LOOK_AGAIN_MS)
      signal.throwIfAborted()
      if (failure !== undefined) throw failure.error
      if (hasNews) await new Promise((resolve) => setTimeout(resolve, TOGETHER_MS))
      hasNews = false
    },
  }
}

import { NodeError } from '../errors.ts'
import { type EventMessage, eventsOf } from './event-stream.ts'
import { errorOf } from './problem.ts'
import type { ClientSocket, Transport } from './transport.ts'

/** A value of a query; absent ones are left out. */
export type QueryValue = string | number | boolean | undefined

/** One request for JSON. */
export interface Ask {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, QueryValue>>
  readonly body?: unknown
  /** What was asked for under it before is not done again. */
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal | undefined
}

interface LastEvent {
  readonly lastEventId?: string | undefined
}

/** Asks a node over any transport; every refusal is thrown as the node's own error. */
export interface HttpClient {
  /** @throws the node's error */
  ask<T>(ask: Ask): Promise<T>
  /** The same, tried once more when the answer was lost: only for what has an idempotency key. */
  askAgain<T>(ask: Ask & { readonly idempotencyKey: string }): Promise<T>
  /** Every item of a list, page by page as it is read. */
  items<T>(ask: Ask): AsyncIterable<T>
  /** The answer as it comes, when it is none of JSON; throws as `ask`. */
  stream(
    ask: Ask & { readonly content?: string | Uint8Array<ArrayBuffer> | Blob },
  ): Promise<Response>
  /**
   * Server-sent events; a connection that broke, or that the node ended, is opened anew after the last event that came.
   * Ends when `signal` aborts; throws when the node is gone or refuses.
   */
  events(ask: Ask): AsyncIterable<EventMessage>
  /**
   * One connection for server-sent events, after the one of that id, once the node answered. Ends when the node ends it;
   * throws what broke it.
   */
  openEvents(ask: Ask & LastEvent): Promise<AsyncIterable<EventMessage>>
  /** `request` travels as JSON in the query. */
  webSocket(ask: Ask & { readonly request?: unknown }): Promise<ClientSocket>
}

/** How long a connection for events rests before it is opened anew. */
const AGAIN_MS = 1000

export function createHttpClient(transport: Transport): HttpClient {
  const send = async (ask: Ask, more: { accept?: string } & LastEvent = {}) => {
    const { accept, lastEventId } = more
    const { method = 'GET', body, idempotencyKey, signal } = ask
    const response = await transport.fetch({
      method,
      path: pathOf(ask),
      headers: {
        ...(accept === undefined ? {} : { accept }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    })
    if (!response.ok) throw await refusalOf(response)
    return response
  }
  const json = async <T>(ask: Ask): Promise<T> => {
    const text = await (await send(ask)).text().catch((cause: unknown) => {
      ask.signal?.throwIfAborted()
      throw stopped(cause)
    })
    return (text === '' ? {} : JSON.parse(text)) as T
  }
  const openEvents = async ({ lastEventId, ...ask }: Ask & LastEvent) =>
    eventsOf(await send(ask, { accept: 'text/event-stream', lastEventId }))
  return {
    ask: json,
    openEvents,
    async askAgain<T>(ask: Ask) {
      try {
        return await json<T>(ask)
      } catch (error) {
        if (!isLost(error)) throw error
        return json<T>(ask)
      }
    },
    async *items<T>(ask: Ask) {
      for (let cursor: string | undefined; ; ) {
        const query = { ...ask.query, ...(cursor === undefined ? {} : { cursor }) }
        const page = await json<{ readonly items: readonly T[]; readonly next?: string }>({
          ...ask,
          query,
        })
        yield* page.items
        if (page.next === undefined) return
        cursor = page.next
      }
    },
    async stream({ content, ...ask }) {
      const { method = 'GET', signal } = ask
      const own = content === undefined ? {} : { body: content }
      const headers = { 'content-type': 'application/octet-stream' }
      const asked = { method, path: pathOf(ask), headers: content === undefined ? {} : headers }
      const response = await transport.fetch({ ...asked, ...own, signal })
      if (!response.ok) throw await refusalOf(response)
      return response
    },
    async *events(ask) {
      let lastEventId: string | undefined
      for (;;) {
        try {
          for await (const event of await openEvents({ ...ask, lastEventId })) {
            lastEventId = event.id ?? lastEventId
            yield event
          }
        } catch (error) {
          if (ask.signal?.aborted === true) return
          if (error instanceof NodeError) throw error
        }
        if (ask.signal?.aborted === true) return
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    },
    webSocket: ({ request, ...ask }) => {
      const asked = request === undefined ? {} : { request: JSON.stringify(request) }
      return transport.webSocket(pathOf({ ...ask, query: { ...ask.query, ...asked } }), ask.signal)
    },
  }
}

function pathOf({ path, query = {} }: Ask): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  if (given.length === 0) return path
  return `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}

const refusalOf = async (response: Response): Promise<NodeError> =>
  refusalIn(await response.text().catch(() => ''), response.status)

/** What the node says of a request that it does not serve; its status alone where that is no problem document. */
export const refusalIn = (text: string, status: number): NodeError =>
  errorOf(jsonOf(text)) ?? new NodeError('FAILED', `the node answered with ${status}`)

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // a proxy's page, or nothing
  }
}

const isLost = (error: unknown): boolean =>
  error instanceof NodeError &&
  (error.code === 'FAILED_NODE_STOPPED' || error.code === 'FAILED_CONNECTION')

const stopped = (cause: unknown): NodeError =>
  new NodeError('FAILED_NODE_STOPPED', 'the node stopped before it answered', {
    cause,
    next: 'compute-node status tells whether it runs',
  })

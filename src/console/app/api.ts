import { ComputeNodeError, isNodeGone } from '../../client/errors.ts'
import { type Ask, createHttpClient } from '../../client/http-client.ts'
import { webTransport } from '../../client/web-transport.ts'
import type { Told } from '../ui/fault.ts'

/** The node that this page came from, asked with the browser's session. */
export const http = createHttpClient(webTransport())

/** @throws ComputeNodeError */
export const get = <T>(path: string, signal?: AbortSignal): Promise<T> =>
  inOurWords(http.ask<T>({ path, signal }))

/** Sends to the node; with an idempotency key, what was asked for under it before is not done again. */
export function post<T>(
  path: string,
  body: unknown = {},
  key?: string,
  signal?: AbortSignal,
): Promise<T> {
  const ask: Ask = { method: 'POST', path, body, signal }
  return inOurWords(
    key === undefined ? http.ask<T>(ask) : http.askAgain<T>({ ...ask, idempotencyKey: key }),
  )
}

/** Sends bytes as they are; answers with what the node makes of them. */
export const postBytes = <T>(path: string, content: Uint8Array<ArrayBuffer>): Promise<T> =>
  inOurWords(
    http
      .stream({ method: 'POST', path, content })
      .then(async (response) => (await response.json()) as T),
  )

/** Changes some of what the node keeps under a path; answers with all of it. */
export const patch = <T>(path: string, body: unknown): Promise<T> =>
  inOurWords(http.ask<T>({ method: 'PATCH', path, body }))

/** What is thrown where the node is gone says what this page does then. */
export async function inOurWords<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    throw isNodeGone(error) ? away(error) : error
  }
}

const away = (cause: unknown): ComputeNodeError =>
  new ComputeNodeError('FAILED_CONNECTION', 'The node does not answer', {
    cause,
    next: 'this page goes on by itself once it is back; start it with compute-node, or run compute-node ui again',
  })

/** Anything thrown, as an error that can be shown. */
export const toldOf = (error: unknown): Told =>
  error instanceof ComputeNodeError
    ? error
    : { code: 'FAILED', message: error instanceof Error ? error.message : String(error) }

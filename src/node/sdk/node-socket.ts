import { text } from 'node:stream/consumers'
import { type ClientOptions, WebSocket } from 'ws'
import { clientSocket } from '../../client/client-socket.ts'
import { errorOf } from '../../client/problem.ts'
import type { ClientSocket } from '../../client/transport.ts'
import { NodeError } from '../../errors.ts'
import { lost } from '../control/client.ts'

/** Opens a WebSocket of a node. @throws the node's refusal, which a browser would not tell; the signal's reason */
export function openNodeSocket(
  url: string,
  { signal, ...options }: ClientOptions & { readonly signal?: AbortSignal | undefined },
): Promise<ClientSocket> {
  signal?.throwIfAborted()
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options })
  const ours = clientSocket(socket) // before it opens: nothing that comes is missed
  const { promise, resolve, reject } = Promise.withResolvers<ClientSocket>()
  const onAbort = (): void => {
    reject(signal?.reason)
    socket.terminate()
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  socket.once('open', () => resolve(ours))
  socket.once('error', (cause) => reject(lost(cause)))
  socket.once('unexpected-response', (_, response) => {
    text(response).then(
      (body) => reject(errorOf(jsonOf(body)) ?? refused(response.statusCode)),
      (cause: unknown) => reject(lost(cause)),
    )
  })
  return promise.finally(() => signal?.removeEventListener('abort', onAbort))
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined // a proxy's page, or nothing
  }
}

/** Its path is not named: the request in it may hold what is secret. */
const refused = (status: number | undefined): NodeError =>
  new NodeError('FAILED', `the node refused the socket with status ${status}`)

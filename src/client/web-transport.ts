import { TOLD_PROTOCOL } from '../api/route.ts'
import { NodeError } from '../errors.ts'
import { clientSocket, type WebSocketLike } from './client-socket.ts'
import type { ClientSocket, Transport } from './transport.ts'

export interface WebTransportOptions {
  /** Where the node serves its control API, e.g. `http://127.0.0.1:4100`; a page's own origin when absent. */
  readonly url?: string | undefined
  /** Of the file `control.token`, or a scoped one; without it a browser's session cookie is used. */
  readonly token?: string | undefined
  /** Opens a socket with these headers; the platform's `WebSocket` where absent, which carries a cookie alone. */
  readonly openSocket?: (
    url: string,
    options: {
      readonly headers: Record<string, string>
      readonly signal?: AbortSignal | undefined
    },
  ) => Promise<ClientSocket>
}

/** Reaches a node by `fetch` and `WebSocket`, as browsers have them. */
export function webTransport(options: WebTransportOptions = {}): Transport {
  const base = baseOf(options.url)
  const { token, openSocket } = options
  const authorization: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` }
  return {
    async fetch({ method, path, headers, body, signal }) {
      try {
        return await fetch(new URL(path, base), {
          method,
          headers: { ...headers, ...authorization },
          credentials: 'same-origin',
          ...(body === undefined ? {} : { body }),
          ...(signal === undefined ? {} : { signal }),
        })
      } catch (cause) {
        signal?.throwIfAborted()
        throw noConnection(base, cause)
      }
    },
    async webSocket(path, signal) {
      signal?.throwIfAborted()
      const url = new URL(path, base)
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
      if (openSocket !== undefined) return openSocket(url.href, { headers: authorization, signal })
      return accepted(new WebSocket(url, TOLD_PROTOCOL), base, signal)
    },
  }
}

function baseOf(given: string | undefined): URL {
  const url = URL.parse(given ?? globalThis.location?.origin ?? '')
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new NodeError('BAD_CONFIG_URL', 'the address of a node is http://HOST:PORT', {
    next: 'start one with --api-port, and give the address that it prints',
  })
}

/** @throws the node's refusal; FAILED_CONNECTION where none could be told */
async function accepted(
  socket: WebSocketLike,
  base: URL,
  signal: AbortSignal | undefined,
): Promise<ClientSocket> {
  let isOpen = false
  socket.addEventListener('open', () => {
    isOpen = true
  })
  const ours = clientSocket(socket) // before it opens: nothing that comes is missed
  const messages = ours.messages()[Symbol.asyncIterator]()
  const onAbort = (): void => ours.close()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const { done } = await messages.next()
    signal?.throwIfAborted()
    if (done) throw noConnection(base)
    return { ...ours, messages: () => ({ [Symbol.asyncIterator]: () => messages }) }
  } catch (error) {
    signal?.throwIfAborted()
    throw isOpen ? error : noConnection(base)
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

const noConnection = ({ origin }: URL, cause?: unknown): NodeError =>
  new NodeError('FAILED_CONNECTION', `no connection to the node at ${origin}`, {
    ...(cause === undefined ? {} : { cause }),
    next: 'look whether it runs (compute-node status), and whether this address and token are its own',
  })

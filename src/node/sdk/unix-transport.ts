import { Agent, type IncomingMessage, request } from 'node:http'
import { Readable } from 'node:stream'
import type { Transport, TransportRequest } from '../../client/transport.ts'
import { lost } from '../control/client.ts'
import { openNodeSocket } from './node-socket.ts'

/** Statuses whose answers have no content, so that `Response` refuses one. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/** To the node of a data folder. Disposing it ends what is under way. */
export interface UnixTransport extends Transport, Disposable {
  /** Keeps a node that was started for one command alive until disposed. A program does not stay for it alone. */
  hold(): Promise<Disposable>
}

/** Reaches the node of a data folder through its control socket. */
export function unixTransport(socketPath: string): UnixTransport {
  // Nothing is kept open for later: a node closes what idles, and a request that met that would be lost.
  const agent = new Agent({ keepAlive: false })
  return {
    async fetch(asked) {
      const incoming = await answered({ ...asked, socketPath, agent })
      const status = incoming.statusCode ?? 500
      const headers = new Headers()
      for (const [name, values] of Object.entries(incoming.headersDistinct)) {
        for (const value of values ?? []) headers.append(name, value)
      }
      const body = WITHOUT_BODY.has(status) ? null : bodyOf(incoming)
      return new Response(body, { status, headers })
    },
    webSocket: (path, signal) =>
      openNodeSocket(`ws+unix:${socketPath}:${path}`, {
        signal,
        // Masks fool web proxies, and there is none on a unix socket.
        generateMask: (mask) => void mask.fill(0),
      }),
    async hold() {
      const way = { method: 'GET', path: '/v1/hold', headers: {}, socketPath, agent }
      const incoming = await answered(way)
      incoming.on('error', () => incoming.destroy()) // the node stopped: the next request says so
      incoming.resume().socket.unref()
      return { [Symbol.dispose]: () => void incoming.destroy() }
    },
    [Symbol.dispose]: () => agent.destroy(),
  }
}

/** The global ReadableStream is the one of node:stream/web; only their declarations differ. */
const bodyOf = (incoming: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> =>
  Readable.toWeb(incoming) as ReadableStream<Uint8Array<ArrayBuffer>>

function answered({
  body,
  signal,
  ...options
}: TransportRequest & {
  readonly socketPath: string
  readonly agent: Agent
}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const own = signal === undefined ? {} : { signal }
    const outgoing = request({ ...options, ...own }, resolve)
    outgoing.on('error', (cause) => reject(signal?.aborted ? signal.reason : lost(cause)))
    if (body instanceof Blob) {
      Readable.fromWeb(body.stream() as never)
        .on('error', (error) => outgoing.destroy(error))
        .pipe(outgoing)
    } else outgoing.end(body)
  })
}

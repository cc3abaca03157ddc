import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { type WebSocket, WebSocketServer } from 'ws'
import { NodeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { MiB } from '../../units.ts'
import { toJson } from '../output.ts'
import { problemOf } from './problem.ts'

export interface SocketRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal
}

/**
 * Serves one WebSocket. Throwing before `accept` answers with a problem and no socket, so a refusal comes before any
 * byte flows; throwing after it sends a last text message `{"error":{code,message,next}}` and closes with 1011.
 * The socket comes paused, or a message could be gone before a listener stands: attach, then `resume()`
 * (`createWebSocketStream` does so itself).
 */
export type SocketHandler = (
  request: SocketRequest,
  accept: () => Promise<WebSocket>,
) => Promise<void>

declare module 'fastify' {
  interface FastifyInstance {
    /** A WebSocket route; segments that start with a colon become parameters. */
    webSocket(path: string, handler: SocketHandler): void
  }
}

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Adds `app.webSocket(path, handler)` and returns what answers a server's `upgrade` events. */
export function addWebSockets(app: FastifyInstance, log: Log): Upgrade {
  const routes: { path: string; handler: SocketHandler }[] = []
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MiB,
    perMessageDeflate: false,
  })
  app.decorate('webSocket', (path: string, handler: SocketHandler) => {
    routes.push({ path, handler })
  })
  app.addHook('onClose', async () => {
    for (const client of server.clients) client.terminate()
  })
  return (request, socket, head) => {
    socket.on('error', (error) => log.debug('socket-failed', { error: error.message }))
    const url = URL.parse(request.url ?? '/', 'http://localhost')
    if (url === null) return refuse(socket, new NodeError('BAD_MESSAGE', 'malformed path'))
    for (const { path, handler } of routes) {
      const params = match(path, url.pathname)
      if (params === undefined) continue
      void serve(
        handler,
        { params, query: url.searchParams },
        () => open(server, request, socket, head),
        socket,
        log,
      )
      return
    }
    refuse(socket, new NodeError('NOTHING_MATCHED', `there is no socket ${url.pathname}`))
  }
}

const open = (
  server: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<WebSocket> =>
  new Promise((resolve) => server.handleUpgrade(request, socket, head, resolve))

async function serve(
  handler: SocketHandler,
  request: Omit<SocketRequest, 'signal'>,
  upgrade: () => Promise<WebSocket>,
  socket: Duplex,
  log: Log,
): Promise<void> {
  const gone = new AbortController()
  socket.once('close', () => gone.abort(new NodeError('FAILED', 'the client went away')))
  let accepted: WebSocket | undefined
  try {
    await handler({ ...request, signal: gone.signal }, async () => {
      accepted = await upgrade()
      accepted.pause()
      accepted.on('error', (error) => log.debug('socket-failed', { error: error.message }))
      return accepted
    })
  } catch (error) {
    if (accepted === undefined) return refuse(socket, error)
    if (!gone.signal.aborted) accepted.send(toJson({ error: problemOf(error).body }))
    accepted.close(1011)
    accepted.resume() // the answering close frame must be read
  }
}

/** The parameters of a path that fits the pattern; undefined when it does not. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [i, part] of wanted.entries()) {
    if (part.startsWith(':')) {
      const value = decoded(given[i]!)
      if (value === undefined) return undefined
      params[part.slice(1)] = value
    } else if (part !== given[i]) return undefined
  }
  return params
}

/** A path segment without its escapes; undefined when they are malformed. */
function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined // `%` without two hex digits
  }
}

/** A plain HTTP answer on a socket that was to become a WebSocket. */
export function refuse(socket: Duplex, error: unknown, withStatus?: number): void {
  const { status, body } = problemOf(error)
  const text = toJson(body)
  socket.end(
    `HTTP/1.1 ${withStatus ?? status} Refused\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  )
}

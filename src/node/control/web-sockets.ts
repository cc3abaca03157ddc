import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Scope, TOLD_PROTOCOL } from '../../api/route.ts'
import { NodeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { MiB, secondsMs } from '../../units.ts'
import { toJson } from '../output.ts'
import { callerOf, checkScope } from './access/caller.ts'
import type { LoopbackGuard } from './access/loopback-guard.ts'
import { FRAMES_PROTOCOL, frameSocket } from './frame-socket.ts'
import { problemDocument, problemOf } from './problem.ts'

/** How long a client whose token ended may take to close. */
const LINGER_MS = secondsMs(1)

export interface SocketRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal
}

/**
 * Serves one WebSocket. Throwing before `accept` answers with a problem and no socket, so a refusal comes before any
 * byte flows; throwing after it sends a last text message `{"error":{code,message,next}}` and closes with 1011. Who asks
 * for `TOLD_PROTOCOL` is told either by a message: browsers hide the answers of HTTP.
 * The socket comes paused, or a message could be gone before a listener stands: attach, then `resume()`
 * (`createWebSocketStream` does so itself).
 */
export type SocketHandler = Handler<WebSocket>

/** Serves frames over a connection that is no longer HTTP; what it throws ends them, told with the same words. */
export type FramesHandler = Handler<FrameChannel>

type Handler<Accepted> = (request: SocketRequest, accept: () => Promise<Accepted>) => Promise<void>

declare module 'fastify' {
  interface FastifyInstance {
    /** A WebSocket route; segments that start with a colon become parameters. */
    webSocket(path: string, handler: SocketHandler, scope?: Scope): void
    /** The same for bulk: a WebSocket would copy all of it twice. */
    frames(path: string, handler: FramesHandler, scope?: Scope): void
  }
}

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

type Serve = (parts: UpgradeParts, request: Omit<SocketRequest, 'signal'>) => Promise<void>

interface UpgradeParts {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly log: Log
  /** Aborts once the caller may not go on. */
  readonly ended: AbortSignal | undefined
}

/**
 * Adds `app.webSocket` and `app.frames`, and returns what answers a server's `upgrade` events. They need a scope as other
 * routes do, and end when their caller's token does: a WebSocket with 1008.
 */
export function addWebSockets(app: FastifyInstance, guard: LoopbackGuard, log: Log): Upgrade {
  const routes: { path: string; scope: Scope; serve: Serve }[] = []
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MiB,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(TOLD_PROTOCOL) ? TOLD_PROTOCOL : false),
  })
  const framed = new Set<Duplex>()
  app.decorate('webSocket', (path: string, handler: SocketHandler, scope: Scope = 'operate') => {
    const serve: Serve = (parts, asked) => serveWebSocket(server, handler, parts, asked)
    routes.push({ path, scope, serve })
  })
  app.decorate('frames', (path: string, handler: FramesHandler, scope: Scope = 'operate') => {
    routes.push({
      path,
      scope,
      serve(parts, asked) {
        framed.add(parts.socket)
        parts.socket.once('close', () => framed.delete(parts.socket))
        return serveFrames(handler, parts, asked)
      },
    })
  })
  app.addHook('onClose', async () => {
    for (const client of server.clients) client.terminate()
    for (const socket of framed) socket.destroy()
  })
  return (request, socket, head) => {
    socket.on('error', (error) => log.debug('socket-failed', { error: error.message }))
    try {
      const url = URL.parse(request.url ?? '/', 'http://localhost')
      if (url === null) throw new NodeError('BAD_MESSAGE', 'malformed path')
      const caller = callerOf(request) ?? guard.identify(request)
      for (const { path, scope, serve } of routes) {
        const params = match(path, url.pathname)
        if (params === undefined) continue
        checkScope(caller, scope)
        const { ended } = caller
        void serve({ request, socket, head, log, ended }, { params, query: url.searchParams })
        return
      }
      throw new NodeError('NOTHING_MATCHED', `there is no socket ${url.pathname}`)
    } catch (error) {
      deny(server, { request, socket, head, log }, error)
    }
  }
}

type Opening = Omit<UpgradeParts, 'ended'>

/** The socket of a request, paused. */
async function upgraded(
  server: WebSocketServer,
  { request, socket, head, log }: Opening,
): Promise<WebSocket> {
  const made = await new Promise<WebSocket>((resolve) =>
    server.handleUpgrade(request, socket, head, resolve),
  )
  made.pause()
  made.on('error', (error) => log.debug('socket-failed', { error: error.message }))
  return made
}

const isTold = ({ headers }: IncomingMessage): boolean =>
  headers.upgrade?.toLowerCase() === 'websocket' &&
  (headers['sec-websocket-protocol'] ?? '').split(',').some((name) => name.trim() === TOLD_PROTOCOL)

/** Refuses a socket that nothing was accepted of. */
function deny(server: WebSocketServer, opening: Opening, error: unknown): void {
  if (isTold(opening.request)) void upgraded(server, opening).then((made) => endSocket(made, error))
  else refuse(opening.socket, error)
}

async function serveWebSocket(
  server: WebSocketServer,
  handler: SocketHandler,
  { ended, ...opening }: UpgradeParts,
  asked: Omit<SocketRequest, 'signal'>,
): Promise<void> {
  const signal = goneOf(opening.socket)
  let accepted: WebSocket | undefined
  let isDenied = false
  const denyOnce = (error: unknown): void => {
    if (!isDenied) deny(server, opening, error)
    isDenied = true
  }
  whenEnded(ended, signal, (error) => {
    if (accepted === undefined) denyOnce(error)
    else endSocket(accepted, error)
  })
  try {
    await handler({ ...asked, signal }, async () => {
      accepted = await upgraded(server, opening)
      if (isTold(opening.request)) accepted.send(toJson({ kind: 'accepted' }))
      return accepted
    })
  } catch (error) {
    if (accepted === undefined) return denyOnce(error)
    if (!signal.aborted) accepted.send(toJson({ error: problemOf(error).body }))
    accepted.close(1011)
    accepted.resume() // the answering close frame must be read
  }
}

async function serveFrames(
  handler: FramesHandler,
  { request, socket, head, ended }: UpgradeParts,
  asked: Omit<SocketRequest, 'signal'>,
): Promise<void> {
  const signal = goneOf(socket)
  let accepted: FrameChannel | undefined
  whenEnded(ended, signal, (error) => {
    if (accepted === undefined) refuse(socket, error)
    else accepted.abort(error)
  })
  try {
    if (request.headers.upgrade?.toLowerCase() !== FRAMES_PROTOCOL) {
      throw new NodeError('BAD_MESSAGE', `this is asked for with upgrade: ${FRAMES_PROTOCOL}`)
    }
    await handler({ ...asked, signal }, async () => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${FRAMES_PROTOCOL}\r\n\r\n`,
      )
      if (head.length > 0) socket.unshift(head)
      accepted = frameSocket(socket)
      return accepted
    })
  } catch (error) {
    if (accepted === undefined) refuse(socket, error)
    else accepted.abort(error instanceof Error ? error : new Error(String(error)))
  }
}

/** Calls back when the caller's token ends before the client is gone. */
function whenEnded(
  ended: AbortSignal | undefined,
  gone: AbortSignal,
  work: (error: NodeError) => void,
): void {
  const tell = (): void => work(ended?.reason as NodeError)
  if (ended?.aborted) tell()
  else ended?.addEventListener('abort', tell, { once: true, signal: gone })
}

/** Says why, and waits little for a client that does not close. */
function endSocket(socket: WebSocket, error: unknown): void {
  socket.send(toJson({ error: problemOf(error).body }))
  socket.close(1008)
  socket.resume() // the answering close frame must be read
  const linger = setTimeout(() => socket.terminate(), LINGER_MS)
  socket.once('close', () => clearTimeout(linger))
}

/** Aborts when the client goes away. */
function goneOf(socket: Duplex): AbortSignal {
  const gone = new AbortController()
  socket.once('close', () => gone.abort(new NodeError('FAILED', 'the client went away')))
  return gone.signal
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
export function refuse(socket: Duplex, error: unknown): void {
  const body = problemDocument(error)
  const text = toJson(body)
  socket.end(
    `HTTP/1.1 ${body.status} Refused\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  )
}

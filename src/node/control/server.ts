import { rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import type { RouteDeclaration } from '../../api/route.ts'
import { messageOf, NodeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { MiB } from '../../units.ts'
import { toJson } from '../output.ts'
import { addHolds, type Holds } from './holds.ts'
import { createGuard, type Guard, writeToken } from './loopback-guard.ts'
import { problemOf } from './problem.ts'
import { addWebSockets, refuse, type Upgrade } from './web-sockets.ts'

/** Adds one concern's routes; a file of `routes/` each. */
export type Route<Parts> = (app: FastifyInstance, parts: Parts) => void

export interface ControlOptions<Parts> {
  readonly parts: Parts
  readonly routes: readonly Route<Parts>[]
  /** Nobody else may use this path: the data folder's lock is held. */
  readonly socketPath: string
  /** Serve on 127.0.0.1 too; 0 picks a port. */
  readonly apiPort?: number | undefined
  readonly tokenFile: string
  readonly log: Log
}

export interface Control extends AsyncDisposable {
  readonly socketPath: string
  /** `http://127.0.0.1:PORT`, when asked for. */
  readonly apiUrl?: string
  readonly holds: Holds
}

/**
 * Serves the control API: on a unix socket that only this user can open, and on loopback when a port is asked for.
 * @throws BAD_CONFIG_PORT when that port is busy, BAD_CONFIG_SOCKET when the socket cannot be made
 */
export async function startControl<Parts>(options: ControlOptions<Parts>): Promise<Control> {
  const { parts, routes, socketPath, apiPort, tokenFile, log } = options
  await using stack = new AsyncDisposableStack()
  const app = createApp()
  const upgrade = addWebSockets(app, log)
  const holds = addHolds(app)
  for (const route of routes) route(app, parts)
  await app.ready()
  await rm(socketPath, { force: true })
  const local = createServer(app.routing).on('upgrade', upgrade)
  await listenPrivately(local, socketPath)
  stack.defer(() => closeServer(local))
  const apiUrl =
    apiPort === undefined
      ? undefined
      : await listenLoopback(app, upgrade, apiPort, tokenFile, stack)
  stack.defer(() => app.close()) // first of all: event streams end, so that readers see an end and not a cut
  const owned = stack.move()
  return {
    socketPath,
    holds,
    ...(apiUrl === undefined ? {} : { apiUrl }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function createApp(): FastifyInstance {
  const app = fastify({ bodyLimit: MiB, forceCloseConnections: true, exposeHeadRoutes: false })
  app.decorate('declared', new Set<RouteDeclaration>())
  // Bytes of an upload are its route's to read.
  app.addContentTypeParser('application/octet-stream', (_, payload, done) => done(null, payload))
  app.setReplySerializer((payload) => toJson(payload))
  app.setErrorHandler((error, _, reply) => {
    const { status, body } = problemOf(error)
    return reply.code(status).type('application/problem+json').send(body)
  })
  app.setNotFoundHandler(({ method, url }) => {
    throw new NodeError('NOTHING_MATCHED', `there is no ${method} ${url}`)
  })
  app.get('/healthz', async () => ({ ok: true }))
  return app
}

/** The mask makes the socket 0600 from its first moment; `listen` on a path binds before it returns. */
function listenPrivately(server: Server, path: string): Promise<void> {
  const before = process.umask(0o177)
  try {
    return listening(server, () => server.listen(path)).catch((cause: unknown) => {
      throw new NodeError('BAD_CONFIG_SOCKET', `cannot listen on ${path}: ${messageOf(cause)}`, {
        cause,
        next: 'choose another --data-dir',
      })
    })
  } finally {
    process.umask(before)
  }
}

async function listenLoopback(
  app: FastifyInstance,
  upgrade: Upgrade,
  port: number,
  tokenFile: string,
  stack: AsyncDisposableStack,
): Promise<string> {
  const token = await writeToken(tokenFile)
  stack.defer(() => rm(tokenFile, { force: true }))
  const guard = createGuard(token, () => bound(server))
  const server = guarded(app, upgrade, guard)
  await listening(server, () => server.listen(port, '127.0.0.1')).catch((cause: unknown) => {
    const busy = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    throw new NodeError(
      'BAD_CONFIG_PORT',
      `cannot serve the control API on port ${port}: ${busy ? 'the port is in use' : messageOf(cause)}`,
      { cause, next: 'choose another --api-port (0 picks a free one)' },
    )
  })
  stack.defer(() => closeServer(server))
  return `http://127.0.0.1:${bound(server)}`
}

const bound = (server: Server): number => (server.address() as AddressInfo).port

function guarded(app: FastifyInstance, upgrade: Upgrade, guard: Guard): Server {
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const refusal = guard(request)
    if (refusal === undefined) {
      app.routing(request, response)
      return
    }
    const { status, message } = refusal
    response.writeHead(status, { 'content-type': 'application/problem+json' })
    response.end(toJson({ code: 'REFUSED', message }))
  }
  return createServer(onRequest).on('upgrade', (request, socket, head) => {
    const refusal = guard(request)
    if (refusal === undefined) return upgrade(request, socket, head)
    refuse(socket, new NodeError('REFUSED', refusal.message), refusal.status)
  })
}

const listening = (server: Server, listen: () => void): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', resolve)
    listen()
  })

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

import { rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { dirname, join } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import { networkRoutes } from '../../api/network.ts'
import type { RouteDeclaration } from '../../api/route.ts'
import { messageOf, NodeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { MiB } from '../../units.ts'
import { toJson } from '../output.ts'
import { type AccessBook, openAccessBook } from './access/access-book.ts'
import { owner, setCaller } from './access/caller.ts'
import { addAccessCheck } from './access/check-access.ts'
import { createLoopbackGuard, freshToken } from './access/loopback-guard.ts'
import { addRoute, rememberKeys } from './add-route.ts'
import { addHolds, type Holds } from './holds.ts'
import { createIdempotency, type IdempotencyNeeds } from './idempotency.ts'
import { createLoopback, type Loopback, type LoopbackLimits, loopbackLimits } from './loopback.ts'
import { problemDocument } from './problem.ts'
import { closeServer, listening } from './servers.ts'
import { addWebSockets, type Upgrade } from './web-sockets.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Who may use the loopback port. */
    readonly access: AccessBook
    readonly loopback: Loopback
  }
}

/** Adds one concern's routes; a file of `routes/` each. */
export type Route<Parts> = (app: FastifyInstance, parts: Parts) => void

export interface ControlOptions<Parts> {
  readonly parts: Parts
  readonly routes: readonly Route<Parts>[]
  /** Nobody else may use this path: the data folder's lock is held. */
  readonly socketPath: string
  /** Serve on 127.0.0.1 too; 0 picks a port. */
  readonly apiPort?: number | undefined
  /** Where the token of this run is left; tokens and sessions that outlive it stand beside it, in `access.json`. */
  readonly tokenFile: string
  readonly log: Log
  /** Where idempotency keys are kept, and what their digests are made with; absent: they end with the server. */
  readonly keys?: Pick<IdempotencyNeeds, 'bucket' | 'secret'>
  readonly limits?: LoopbackLimits
}

export interface Control extends AsyncDisposable {
  readonly socketPath: string
  /** `http://127.0.0.1:PORT`, where it listens there. */
  readonly apiUrl: string | undefined
  readonly holds: Holds
  /** What it serves of src/api. */
  readonly declared: ReadonlySet<RouteDeclaration>
}

/**
 * Serves the control API: on a unix socket that only this user can open, and on loopback when a port is asked for.
 * @throws BAD_CONFIG_PORT when that port is busy, BAD_CONFIG_SOCKET when the socket cannot be made
 */
export async function startControl<Parts>(options: ControlOptions<Parts>): Promise<Control> {
  const { parts, routes, socketPath, apiPort, tokenFile, log, limits = loopbackLimits } = options
  await using stack = new AsyncDisposableStack()
  const token = freshToken()
  const file = join(dirname(tokenFile), 'access.json')
  const access = stack.use(await openAccessBook({ file, rootToken: token, log }))
  const app = createApp()
  rememberKeys(app, createIdempotency({ ...options.keys, log }))
  const guard = createLoopbackGuard(access, () => loopback.port)
  const upgrade = addWebSockets(app, guard, log)
  const loopback = createLoopback({ app, upgrade, guard, token, tokenFile, limits })
  app.decorate('access', access)
  app.decorate('loopback', loopback)
  addAccessCheck(app, guard, limits.bodyMs)
  const holds = addHolds(app)
  for (const route of routes) route(app, parts)
  await app.ready()
  await rm(socketPath, { force: true })
  const local = localServer(app, upgrade)
  await listenPrivately(local, socketPath)
  stack.defer(() => closeServer(local))
  stack.use(loopback)
  if (apiPort !== undefined) await loopback.open(apiPort)
  stack.defer(() => app.close()) // first of all: event streams end, so that readers see an end and not a cut
  const owned = stack.move()
  return {
    socketPath,
    holds,
    declared: app.declared,
    get apiUrl() {
      return loopback.url
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function createApp(): FastifyInstance {
  const app = fastify({ bodyLimit: MiB, forceCloseConnections: true, exposeHeadRoutes: false })
  app.decorate('declared', new Set<RouteDeclaration>())
  // A page of any site may send text without asking first.
  app.removeContentTypeParser('text/plain')
  // Bytes of an upload are its route's to read.
  app.addContentTypeParser('application/octet-stream', (_, payload, done) => done(null, payload))
  app.setReplySerializer((payload) => toJson(payload))
  app.setErrorHandler((error, _, reply) => {
    const body = problemDocument(error)
    const retryAfterMs = body.details?.['retryAfterMs']
    if (typeof retryAfterMs === 'number') {
      reply.header('retry-after', String(Math.ceil(retryAfterMs / 1000)))
    }
    if (body.code.startsWith('REFUSED_CREDENTIAL') || body.code === 'REFUSED_ATTEMPTS') {
      reply.header('connection', 'close') // what is left of its body is not read
    }
    return reply.code(body.status).type('application/problem+json').send(body)
  })
  app.setNotFoundHandler(({ method, url }) => {
    throw new NodeError('NOTHING_MATCHED', `there is no ${method} ${url}`)
  })
  addRoute(app, networkRoutes.getHealth, () => ({ ok: true }))
  return app
}

/** Whoever opened the unix socket is the owner of this node; his upload takes its time. */
const localServer = (app: FastifyInstance, upgrade: Upgrade): Server =>
  createServer({ requestTimeout: 0 }, (request, response) => {
    setCaller(request, owner)
    app.routing(request, response)
  }).on('upgrade', (request, socket, head) => {
    setCaller(request, owner)
    upgrade(request, socket, head)
  })

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

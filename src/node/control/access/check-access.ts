import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { callerOf, checkScope, setCaller } from './caller.ts'
import type { LoopbackGuard } from './loopback-guard.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Served to anybody who reaches the port, e.g. the console's own files: nothing in it is anybody's. */
    isPublic?: boolean
  }
}

/**
 * Asks of every request who sends it and whether he may: what is declared says so (src/api), and all else is for those
 * who may do everything. What a caller has open ends with his token.
 */
export function addAccessCheck(app: FastifyInstance, guard: LoopbackGuard, bodyMs: number): void {
  app.addHook('onRequest', async (request, reply) => {
    const { route, isPublic = false } = request.routeOptions.config
    endSlowBody(request.raw, route?.kind === 'stream' ? undefined : bodyMs)
    if (isPublic || route?.scope === 'public') return
    const caller = callerOf(request.raw) ?? guard.identify(request.raw)
    setCaller(request.raw, caller)
    checkScope(caller, route?.scope ?? (request.is404 ? 'read' : 'operate'))
    if (caller.kind !== 'owner') reply.header('cache-control', 'no-store')
    if (caller.ended !== undefined) cutAtEnd(caller.ended, request.raw, reply.raw)
  })
}

/** A body that comes drop by drop holds a connection for as long as it likes, unless it is bytes that were asked for. */
function endSlowBody(request: IncomingMessage, withinMs: number | undefined): void {
  if (withinMs === undefined || request.method === 'GET') return
  const timer = setTimeout(() => request.destroy(), withinMs).unref()
  const done = (): void => clearTimeout(timer)
  request.once('end', done).once('close', done)
}

function cutAtEnd(ended: AbortSignal, request: IncomingMessage, response: ServerResponse): void {
  // What can say why does so first.
  const cut = (): void =>
    void setImmediate(() => response.writableEnded || request.socket.destroy())
  ended.addEventListener('abort', cut, { once: true })
  response.once('close', () => ended.removeEventListener('abort', cut))
}

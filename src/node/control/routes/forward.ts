import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { type ForwardMessage, sessionRoutes } from '../../../api/sessions.ts'
import { NodeError } from '../../../errors.ts'
import { leaseEnded } from '../../leases/enter-lease.ts'
import { findLease } from '../../leases/find-lease.ts'
import { forwardPort } from '../../leases/forward-port.ts'
import { isRunning } from '../../leases/lease-machine.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { untilEnded } from '../../leases/until-ended.ts'
import { toJson } from '../../output.ts'
import { addSocket } from '../add-route.ts'
import { problemOf } from '../problem.ts'

/**
 * `WebSocket /v1/leases/:id/forward?port=N&bind=ADDRESS&local=N`: while it is open this node listens there, and what
 * connects reaches the port in the lease. The node itself carries the bytes: one process less on their way.
 */
export function forwardRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  addSocket(app, sessionRoutes.forwardPort, async ({ params, query, signal }, accept) => {
    const found = await findLease(book, params.id)
    const lease = book.live.get(found.id)?.lease ?? found.mine?.lease
    if (lease !== undefined && !isRunning(lease)) throw leaseEnded(lease.ending?.reason)
    const failed = Promise.withResolvers<never>()
    failed.promise.catch(() => undefined) // told where it is waited for
    const say = (message: ForwardMessage): void => socket?.send(toJson(message))
    let socket: Awaited<ReturnType<typeof accept>> | undefined
    await using forward = await forwardPort(book, found, {
      ...query,
      onFailure(error) {
        if (error instanceof NodeError && error.code === 'FAILED_LEASE_ENDED') failed.reject(error)
        else say({ kind: 'failed', ...problemOf(error).body })
      },
    })
    socket = await accept()
    const gone = once(socket, 'close')
    socket.resume()
    say({ kind: 'listening', bind: forward.bind, local: forward.local })
    void untilEnded(book, found, signal).then((ended) => {
      if (ended !== undefined) failed.reject(ended)
    })
    if (!signal.aborted) await Promise.race([gone, failed.promise])
  })
}

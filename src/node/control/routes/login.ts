import type { FastifyInstance } from 'fastify'
import { sessionRoutes } from '../../../api/sessions.ts'
import { findLease } from '../../leases/find-lease.ts'
import { openSession, sessionError } from '../../leases/open-session.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { addSocket } from '../add-route.ts'
import { onWire } from '../session-asked.ts'
import { bridge } from '../session-bridge.ts'

/**
 * `WebSocket /v1/leases/:id/login?request=JSON`: what an SSH client asks for in a lease; messages are those of
 * `/v1/leases/:id/exec`.
 */
export function loginRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  addSocket(app, sessionRoutes.loginToLease, async ({ params, request: asked, signal }, accept) => {
    const found = await findLease(book, params.id)
    const channel = await openSession(book, found, onWire({ ...asked, kind: 'login' }), signal)
    const socket = await accept()
    await bridge(socket, channel, (error) => sessionError(error, found.id))
  })
}

import type { FastifyInstance } from 'fastify'
import { sessionRoutes } from '../../../api/sessions.ts'
import { findLease } from '../../leases/find-lease.ts'
import { openSession } from '../../leases/open-session.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { addSocket } from '../add-route.ts'
import { bridge } from '../session-bridge.ts'

/**
 * `WebSocket /v1/leases/:id/port?port=N`: a connection to a port in a lease. Binary messages are one channel byte (0 to
 * the service, 1 from it) and data; `{"kind":"eof"}` either way ends that direction.
 */
export function portRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  addSocket(app, sessionRoutes.connectToPort, async ({ params, query, signal }, accept) => {
    const found = await findLease(book, params.id)
    const { port } = query
    const channel = await openSession(book, found, { kind: 'port', port }, signal)
    const socket = await accept()
    await bridge(socket, channel)
  })
}

import type { FastifyInstance } from 'fastify'
import { NodeError } from '../../../errors.ts'
import { findLease } from '../../leases/find-lease.ts'
import { openSession } from '../../leases/open-session.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { bridge } from '../session-bridge.ts'

/**
 * `WebSocket /v1/leases/:id/port?port=N`: a connection to a port in a lease. Binary messages are one channel byte (0 to
 * the service, 1 from it) and data; `{"kind":"eof"}` either way ends that direction.
 */
export function portRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  app.webSocket('/v1/leases/:id/port', async ({ params, query, signal }, accept) => {
    const found = await findLease(book, params['id'] ?? '')
    const port = portIn(query, 'port')
    const channel = await openSession(book, found, { kind: 'port', port }, signal)
    const socket = await accept()
    await bridge(socket, channel)
  })
}

/** A port of the query; BAD_CONFIG_VALUE when it is none. */
export function portIn(query: URLSearchParams, name: string, least = 1): number {
  const text = query.get(name) ?? ''
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= least && port <= 65_535) return port
  throw new NodeError('BAD_CONFIG_VALUE', `${name}: must be a port, ${least} to 65535`)
}

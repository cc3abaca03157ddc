import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { NodeError } from '../../../errors.ts'
import { type SessionAsk, sessionProtocol } from '../../../protocols/session.ts'
import { findLease } from '../../leases/find-lease.ts'
import { openSession, sessionError } from '../../leases/open-session.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { bridge } from '../session-bridge.ts'

/** The query parameter `request` of the socket, as JSON. */
const asked = z.strictObject({
  run: z.enum(['shell', 'command', 'sftp']),
  line: z.string().optional(),
  tty: z.strictObject({ columns: z.int(), rows: z.int() }).optional(),
  env: z.record(z.string(), z.string()).default({}),
})
export type LoginAsked = z.input<typeof asked>

/**
 * `WebSocket /v1/leases/:id/login?request=JSON`: what an SSH client asks for in a lease; messages are those of
 * `/v1/leases/:id/exec`.
 */
export function loginRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  app.webSocket('/v1/leases/:id/login', async ({ params, query, signal }, accept) => {
    const found = await findLease(book, params['id'] ?? '')
    const channel = await openSession(book, found, parseAsked(query.get('request') ?? ''), signal)
    const socket = await accept()
    await bridge(socket, channel, (error) => sessionError(error, found.id))
  })
}

function parseAsked(text: string): SessionAsk {
  try {
    const request = { ...asked.parse(JSON.parse(text)), kind: 'login' as const }
    sessionProtocol.request.encode({ ...request, leaseId: new Uint8Array(32) })
    return request as SessionAsk
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_VALUE', 'the login request is malformed', { cause })
  }
}

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { findLease } from '../../leases/find-lease.ts'
import { openSession, sessionError } from '../../leases/open-session.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { askedOf } from '../session-asked.ts'
import { bridge } from '../session-bridge.ts'

/** The query parameter `request` of the socket, as JSON. */
const asked = z.strictObject({
  command: z.array(z.string()).min(1),
  tty: z.boolean().default(false),
  env: z.record(z.string(), z.string()).default({}),
  detach: z.boolean().optional(),
  workingDir: z.string().optional(),
  user: z.string().optional(),
})
export type ExecAsked = z.input<typeof asked>

/**
 * `WebSocket /v1/leases/:id/exec?request=JSON`: a command in a lease. Binary messages are one channel byte and data
 * (0 stdin; 1 stdout, 2 stderr); text messages are JSON: `{"kind":"eof"}`, `resize`, `signal` one way,
 * `{"kind":"started"}` and `{"kind":"exit","exitCode":0}` the other. Closing it hangs up on the command, unless that was
 * to `detach`: then `{"kind":"detached","id"}` comes at once, and the command runs on.
 */
export function execRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  app.webSocket('/v1/leases/:id/exec', async ({ params, query, signal }, accept) => {
    const found = await findLease(book, params['id'] ?? '')
    const request = askedOf(query, (json) => ({ ...asked.parse(json), kind: 'exec' }))
    const channel = await openSession(book, found, request, signal)
    const socket = await accept()
    await bridge(socket, channel, (error) => sessionError(error, found.id))
  })
}

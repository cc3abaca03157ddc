import type { FastifyInstance } from 'fastify'
import { sessionRoutes } from '../../../api/sessions.ts'
import { findLease } from '../../leases/find-lease.ts'
import { openSession, sessionError } from '../../leases/open-session.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { addSocket } from '../add-route.ts'
import { onWire } from '../session-asked.ts'
import { bridge } from '../session-bridge.ts'

/**
 * `WebSocket /v1/leases/:id/exec?request=JSON`: a command in a lease. Binary messages are one channel byte and data
 * (0 stdin; 1 stdout, 2 stderr); text messages are JSON: `{"kind":"eof"}`, `resize`, `signal` one way,
 * `{"kind":"started"}` and `{"kind":"exit","exitCode":0}` the other. Closing it hangs up on the command, unless that was
 * to `detach`: then `{"kind":"detached","id"}` comes at once, and the command runs on.
 */
export function execRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  addSocket(app, sessionRoutes.execInLease, async ({ params, request: asked, signal }, accept) => {
    const found = await findLease(book, params.id)
    const request = onWire({ ...asked, kind: 'exec' })
    const channel = await openSession(book, found, request, signal)
    const socket = await accept()
    await bridge(socket, channel, (error) => sessionError(error, found.id))
  })
}

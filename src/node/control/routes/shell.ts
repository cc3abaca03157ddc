import type { FastifyInstance } from 'fastify'
import type { WebSocket } from 'ws'
import { sessionRoutes } from '../../../api/sessions.ts'
import { findLease } from '../../leases/find-lease.ts'
import { sessionError } from '../../leases/open-session.ts'
import { openShell } from '../../leases/open-shell.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { toJson } from '../../output.ts'
import { addSocket } from '../add-route.ts'
import { onWire } from '../session-asked.ts'
import { bridge } from '../session-bridge.ts'

/**
 * `WebSocket /v1/leases/:id/shell?request=JSON`: a terminal in a lease, messages as of `exec` (a terminal has no
 * stderr). It outlives its connection to the miner: `{"kind":"lost"}` says that one broke, `{"kind":"resumed"}` that the
 * terminal goes on where it was. Closing the socket hangs up.
 */
export function shellRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  addSocket(app, sessionRoutes.shellInLease, async ({ params, request: asked, signal }, accept) => {
    const found = await findLease(book, params.id)
    const request = onWire({ ...asked, kind: 'shell' })
    let socket: WebSocket | undefined
    const tell = (kind: string) => (): void => socket?.send(toJson({ kind }))
    const notices = { onLost: tell('lost'), onResumed: tell('resumed') }
    const channel = await openShell(book, found, request, { signal, ...notices })
    socket = await accept()
    await bridge(socket, channel, (error) => sessionError(error, found.id))
  })
}

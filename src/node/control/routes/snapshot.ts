import type { FastifyInstance } from 'fastify'
import { sessionRoutes } from '../../../api/sessions.ts'
import { findLease } from '../../leases/find-lease.ts'
import { openSession } from '../../leases/open-session.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { addSocket } from '../add-route.ts'
import { onWire } from '../session-asked.ts'
import { bridge } from '../session-bridge.ts'

/**
 * `WebSocket /v1/leases/:id/snapshot?request=JSON`: the container as an archive for `docker load`. Binary messages are
 * one channel byte (1) and data; text messages are `{"kind":"started","aboutBytes":…,"fromBytes":…}`, and at the end
 * `{"kind":"whole","bytes":…,"sha256":"…"}` and `{"kind":"exit","exitCode":0}`.
 */
export function snapshotRoute(
  app: FastifyInstance,
  { renting: book }: { renting: RentBook },
): void {
  addSocket(
    app,
    sessionRoutes.snapshotLease,
    async ({ params, request: asked, signal }, accept) => {
      const found = await findLease(book, params.id)
      const { have, ...rest } = asked
      const sha256 = Buffer.from(have?.sha256 ?? '', 'hex')
      const known = have === undefined ? {} : { have: { ...have, sha256 } }
      const request = onWire({ ...rest, ...known, kind: 'snapshot' })
      const channel = await openSession(book, found, request, signal)
      const socket = await accept()
      await bridge(socket, channel)
    },
  )
}

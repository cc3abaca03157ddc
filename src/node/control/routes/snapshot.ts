import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { findLease } from '../../leases/find-lease.ts'
import { openSession } from '../../leases/open-session.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { askedOf } from '../session-asked.ts'
import { bridge } from '../session-bridge.ts'

/** The query parameter `request` of the socket, as JSON. */
const asked = z.strictObject({
  tag: z.string(),
  pause: z.boolean().default(true),
  maxBytes: z.int().optional(),
  /** What came before the connection broke; its SHA-256 in hex. */
  have: z
    .strictObject({ bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) })
    .optional(),
})
export type SnapshotAsked = z.input<typeof asked>

/**
 * `WebSocket /v1/leases/:id/snapshot?request=JSON`: the container as an archive for `docker load`. Binary messages are
 * one channel byte (1) and data; text messages are `{"kind":"started","aboutBytes":…,"fromBytes":…}`, and at the end
 * `{"kind":"whole","bytes":…,"sha256":"…"}` and `{"kind":"exit","exitCode":0}`.
 */
export function snapshotRoute(
  app: FastifyInstance,
  { renting: book }: { renting: RentBook },
): void {
  app.webSocket('/v1/leases/:id/snapshot', async ({ params, query, signal }, accept) => {
    const found = await findLease(book, params['id'] ?? '')
    const request = askedOf(query, (json) => {
      const { have, ...rest } = asked.parse(json)
      const sha256 = Buffer.from(have?.sha256 ?? '', 'hex')
      const known = have === undefined ? {} : { have: { ...have, sha256 } }
      return { ...rest, ...known, kind: 'snapshot' as const }
    })
    const channel = await openSession(book, found, request, signal)
    const socket = await accept()
    await bridge(socket, channel)
  })
}

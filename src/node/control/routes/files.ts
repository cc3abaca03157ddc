import type { FastifyInstance } from 'fastify'
import { sessionRoutes } from '../../../api/sessions.ts'
import type { FrameChannel } from '../../../protocols/frames.ts'
import { findLease } from '../../leases/find-lease.ts'
import { openSession } from '../../leases/open-session.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { addFrames } from '../add-route.ts'
import { onWire } from '../session-asked.ts'

/**
 * `GET /v1/leases/:id/files?request=JSON`, upgraded to frames: files of a lease. Each frame is one of a session of kind
 * `files` (docs/wire.md), untouched, both ways; either end says when its direction has ended.
 */
export function filesRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  addFrames(app, sessionRoutes.copyFiles, async ({ params, request: asked, signal }, accept) => {
    const found = await findLease(book, params.id)
    const request = onWire({ ...asked, kind: 'files' })
    const channel = await openSession(book, found, request, signal)
    const client = await accept()
    // A miner that takes no more says so at the end of its own frames, which the other direction meets.
    pass(client, channel).catch((error: Error) => channel.abort(error))
    try {
      await pass(channel, client)
    } catch (error) {
      channel.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  })
}

/** All of one direction, at the pace of the slower side. */
async function pass(from: FrameChannel, to: FrameChannel): Promise<void> {
  for await (const { channel, data } of from.frames()) await to.send(channel, data)
  await to.end()
}

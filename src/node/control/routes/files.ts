import type { FastifyInstance } from 'fastify'
import type { WebSocket } from 'ws'
import { z } from 'zod'
import type { FrameChannel } from '../../../protocols/frames.ts'
import { MiB } from '../../../units.ts'
import { findLease } from '../../leases/find-lease.ts'
import { openSession } from '../../leases/open-session.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { askedOf } from '../session-asked.ts'
import { send } from '../session-bridge.ts'

/** The query parameter `request` of the socket, as JSON. */
const asked = z.strictObject({
  workingDir: z.string().optional(),
  user: z.string().optional(),
})
export type FilesAsked = z.input<typeof asked>

/** What may wait here in either direction. */
const AHEAD_BYTES = 2 * MiB

/**
 * `WebSocket /v1/leases/:id/files?request=JSON`: files of a lease. Messages are the frames of a session of kind `files`
 * (docs/wire.md), untouched: one channel byte and data, both ways; the text `{"kind":"end"}` ends the client's
 * direction. The node closes with 1000 when the miner has answered everything.
 */
export function filesRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  app.webSocket('/v1/leases/:id/files', async ({ params, query, signal }, accept) => {
    const found = await findLease(book, params['id'] ?? '')
    const request = askedOf(query, (json) => ({ ...asked.parse(json), kind: 'files' }))
    const channel = await openSession(book, found, request, signal)
    const socket = await accept()
    takeFrames(socket, channel)
    try {
      for await (const { channel: from, data } of channel.frames()) {
        const sent = send(socket, Buffer.concat([Uint8Array.of(from), data]))
        sent.catch(() => undefined) // a client that left ends the channel too
        if (socket.bufferedAmount > AHEAD_BYTES) await sent
      }
    } catch (error) {
      channel.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
    socket.close(1000)
  })
}

/** A miner that takes no more says so at the end of its own frames, which the other direction meets. */
function takeFrames(socket: WebSocket, channel: FrameChannel): void {
  let last: Promise<void> = Promise.resolve()
  let aheadBytes = 0
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    aheadBytes += data.length
    if (aheadBytes >= AHEAD_BYTES) socket.pause()
    last = last
      .then(() => (isBinary ? channel.send(data[0] ?? 255, data.subarray(1)) : channel.end()))
      .catch((error: Error) => channel.abort(error))
      .finally(() => {
        aheadBytes -= data.length
        if (aheadBytes < AHEAD_BYTES) socket.resume()
      })
  })
  socket.resume()
}

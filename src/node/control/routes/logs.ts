import type { FastifyInstance } from 'fastify'
import type { WebSocket } from 'ws'
import { sessionRoutes } from '../../../api/sessions.ts'
import { channels } from '../../../protocols/session.ts'
import { findLease } from '../../leases/find-lease.ts'
import { openLogs, type ReadLog } from '../../leases/open-logs.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { toJson } from '../../output.ts'
import { addSocket } from '../add-route.ts'
import { onWire } from '../session-asked.ts'
import { send } from '../session-bridge.ts'

/**
 * `WebSocket /v1/leases/:id/logs?request=JSON`: what the main process prints. Binary messages are one channel byte
 * (1 stdout, 2 stderr) and data; text messages are `{"kind":"lost"}`, `{"kind":"resumed"}` when a connection broke and
 * reading goes on after the last line, and `{"kind":"exit","exitCode":0}` at the end.
 */
export function logsRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  addSocket(
    app,
    sessionRoutes.readLeaseLogs,
    async ({ params, request: asked, signal }, accept) => {
      const found = await findLease(book, params.id)
      const request = onWire({ ...asked, kind: 'logs' })
      let socket: WebSocket | undefined
      const tell = (kind: string) => (): void => socket?.send(toJson({ kind }))
      const notices = { onLost: tell('lost'), onResumed: tell('resumed') }
      const log = await openLogs(book, found, request, { signal, ...notices })
      socket = await accept()
      socket.resume()
      const stamp = request.timestamps ? createStamp() : ({ data }: ReadLog) => data
      for await (const piece of log) {
        const to = piece.stream === 'stderr' ? channels.stderr : channels.stdout
        await send(socket, Buffer.concat([Uint8Array.of(to), stamp(piece)]))
      }
      await send(socket, toJson({ kind: 'exit', exitCode: 0 }))
      socket.close(1000)
    },
  )
}

const NEWLINE = 0x0a

/** Puts the time before every line; a piece of a long line has none of its own. */
function createStamp(): (piece: ReadLog) => Uint8Array {
  const inLine = { stdout: false, stderr: false }
  return ({ stream, at, data }) => {
    const stamped =
      at === undefined || inLine[stream] ? data : Buffer.concat([Buffer.from(`${at} `), data])
    inLine[stream] = data.at(-1) !== NEWLINE
    return stamped
  }
}

import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { secondsMs } from '../../../units.ts'
import type { Core } from '../../core.ts'
import type { NodeEvent } from '../../events.ts'
import { toJson } from '../../output.ts'

const HEARTBEAT_MS = secondsMs(15)
/** A reader this far behind is cut off rather than kept in memory. */
const MOST_BEHIND_BYTES = 4 * 1024 * 1024

/** `GET /v1/events`: what happens in the node, the newest past events first, as server-sent events. */
export function eventsRoute(app: FastifyInstance, { core }: { core: Pick<Core, 'events'> }): void {
  const open = new Set<ServerResponse>()
  app.addHook('onClose', async () => {
    for (const raw of open) raw.end()
  })
  app.get('/v1/events', (_, reply) => {
    reply.hijack()
    const { raw } = reply
    open.add(raw)
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const gone = new AbortController()
    const send = (event: NodeEvent): void => {
      raw.write(`event: ${event.event}\ndata: ${toJson(event)}\n\n`)
      if (raw.writableLength > MOST_BEHIND_BYTES) raw.destroy()
    }
    const heartbeat = setInterval(() => raw.write(':\n\n'), HEARTBEAT_MS)
    raw.once('close', () => {
      open.delete(raw)
      clearInterval(heartbeat)
      gone.abort()
    })
    raw.write(':\n\n')
    for (const event of core.events.recent()) send(event)
    core.events.subscribe(send, gone.signal)
  })
}

import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { eventRoutes } from '../../../api/events.ts'
import { KiB, secondsMs } from '../../../units.ts'
import type { Core } from '../../core.ts'
import type { Events, NodeEvent } from '../../events.ts'
import { toJson } from '../../output.ts'
import { addStream } from '../add-route.ts'

const HEARTBEAT_MS = secondsMs(15)
/** What may wait for a slow reader; what it has no room for stays where all events are kept. */
const WAITING_BYTES = 256 * KiB

/** `GET /v1/events`. */
export function eventsRoute(app: FastifyInstance, { core }: { core: Pick<Core, 'events'> }): void {
  const open = new Set<ServerResponse>()
  app.addHook('onClose', async () => {
    for (const raw of open) raw.end()
  })
  addStream(app, eventRoutes.watchEvents, ({ query, caller }, request, reply) => {
    reply.hijack()
    const { raw } = reply
    open.add(raw)
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    raw.write(':\n\n')
    const gone = new AbortController()
    const heartbeat = setInterval(() => {
      if (raw.writableLength < WAITING_BYTES) raw.write(':\n\n')
    }, HEARTBEAT_MS)
    raw.once('close', () => {
      open.delete(raw)
      clearInterval(heartbeat)
      gone.abort()
    })
    const wanted = query.event?.split(',').map((name) => name.trim())
    const last = request.headers['last-event-id']
    const send = sender(core.events, raw, { wanted, last: String(last ?? '') })
    raw.on('drain', send)
    core.events.subscribe(send, gone.signal)
    const ended = (): void => void raw.end(text(notice('access-ended')))
    caller.ended?.addEventListener('abort', ended, { once: true, signal: gone.signal })
    send()
  })
}

const notice = (event: string, fields: { missed?: number | null } = {}): NodeEvent => ({
  ...{ event, atMs: Date.now() },
  ...fields,
})

const text = (event: NodeEvent, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event.event}\ndata: ${toJson(event)}\n\n`

/** Sends what was not sent yet, as far as the reader has room; called again whenever there is more of either. */
function sender(
  events: Events,
  raw: ServerResponse,
  { wanted, last }: { readonly wanted: readonly string[] | undefined; readonly last: string },
): () => void {
  const [, run, number] = /^(.+)-(\d{1,15})$/.exec(last) ?? []
  let next = run === events.run ? Number(number) + 1 : undefined
  let isElsewhere = run !== undefined && next === undefined
  return () => {
    while (raw.writableLength < WAITING_BYTES && !raw.writableEnded) {
      if (isElsewhere) raw.write(text(notice('events-missed', { missed: null })))
      isElsewhere = false
      const kept = events.kept()
      const first = kept[0]?.number ?? 0
      next ??= first
      if (next < first) raw.write(text(notice('events-missed', { missed: first - next })))
      next = Math.max(next, first)
      const found = kept[next - first]
      if (found === undefined) return
      next += 1
      if (wanted?.includes(found.event.event) === false) continue
      raw.write(text(found.event, `${events.run}-${found.number}`))
    }
  }
}

import { once } from 'node:events'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { NodeError } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import { toJson } from '../output.ts'
import { problemOf } from './problem.ts'

/** So that whoever is between the two ends sees that it goes on. */
const HEARTBEAT_MS = secondsMs(15)

/** Answers with server-sent events as they are made. */
export interface EventStreams {
  /**
   * `open` gets a signal that aborts when the reader goes away or the node stops; what it throws is the request's
   * refusal. Each item is an event called `name`; a slow reader holds them back. What ends them with an error is told
   * by a last event `ended`, whose data is `{"error":{code,message,next?}}`.
   */
  answer<T>(
    reply: FastifyReply,
    name: string,
    open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  ): Promise<void>
  /** The same for items of several names. */
  answerNamed(
    reply: FastifyReply,
    open: (signal: AbortSignal) => Promise<AsyncIterable<NamedEvent>>,
  ): Promise<void>
}

/** An event and what it is called. */
export interface NamedEvent {
  readonly event: string
  readonly data: unknown
}

/** For the routes of one file; what is open ends when the server closes. */
export function createEventStreams(app: FastifyInstance): EventStreams {
  const openNow = new Set<AbortController>()
  const stopping = new NodeError('FAILED_NODE_STOPPED', 'the node stops')
  app.addHook('preClose', async () => {
    for (const gone of openNow) gone.abort(stopping)
  })
  return {
    answer(reply, name, open) {
      return this.answerNamed(reply, async (signal) => named(name, await open(signal)))
    },
    async answerNamed(reply, open) {
      const { raw } = reply
      const gone = new AbortController()
      openNow.add(gone)
      raw.once('close', () => {
        openNow.delete(gone)
        gone.abort(new NodeError('FAILED', 'the reader went away'))
      })
      const items = await open(gone.signal)
      reply.hijack()
      raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      const heartbeat = setInterval(() => raw.write(':\n\n'), HEARTBEAT_MS)
      const send = (event: string, data: unknown): boolean =>
        raw.write(`event: ${event}\ndata: ${toJson(data)}\n\n`)
      try {
        for await (const { event, data } of items) {
          if (!send(event, data)) await once(raw, 'drain', { signal: gone.signal })
        }
      } catch (error) {
        const told = gone.signal.aborted ? gone.signal.reason : error
        if (!raw.destroyed) send('ended', { error: problemOf(told).body })
      } finally {
        clearInterval(heartbeat)
        raw.end()
      }
    },
  }
}

async function* named<T>(event: string, items: AsyncIterable<T>): AsyncGenerator<NamedEvent> {
  for await (const data of items) yield { event, data }
}

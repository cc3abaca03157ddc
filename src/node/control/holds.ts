import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { networkRoutes } from '../../api/network.ts'
import { addStream } from './add-route.ts'

/** Commands that still need this node. */
export interface Holds {
  readonly count: number
  /** Resolves once nobody holds the node; rejects when `signal` aborts first. */
  released(signal: AbortSignal): Promise<void>
}

/**
 * `GET /v1/hold` stays open for as long as another command works with this node, so that a node that was started for
 * one command does not vanish under a second one.
 */
export function addHolds(app: FastifyInstance): Holds {
  const held = new Set<ServerResponse>()
  const waiting = new Set<() => void>()
  addStream(app, networkRoutes.hold, (_, __, reply) => {
    reply.hijack()
    const { raw } = reply
    held.add(raw)
    raw.once('close', () => {
      held.delete(raw)
      if (held.size === 0) for (const resolve of waiting) resolve()
    })
    raw.writeHead(200, { 'content-type': 'text/plain' })
    raw.write('held\n')
  })
  return {
    get count() {
      return held.size
    },
    released: (signal) =>
      new Promise((resolve, reject) => {
        if (held.size === 0) return resolve()
        waiting.add(resolve)
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      }),
  }
}

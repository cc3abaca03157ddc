import { EventEmitter, once } from 'node:events'
import { deadline } from '../../clock.ts'
import { messageOf, NodeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { ControlClient } from '../control/client.ts'
import type { NodeEvent } from '../events.ts'

/** An event together with the member of the devnet that it happened in. */
export interface Happening {
  readonly member: string
  readonly event: NodeEvent
}

/** Everything that happened in the devnet's nodes, kept from its start. */
export interface Watch {
  readonly happenings: readonly Happening[]
  /** Calls back for what happened so far and all that follows. */
  each(listener: (happening: Happening) => void): void
  /**
   * Resolves with what `find` makes of the happenings once that is not undefined; looked at again after each of them.
   * @throws FAILED_DEVNET naming `what` when it takes longer than `ms`
   */
  until<T>(
    what: string,
    ms: number,
    find: (happenings: readonly Happening[]) => T | undefined,
  ): Promise<T>
}

export interface Watched {
  readonly name: string
  readonly client: ControlClient
}

/** Follows the event streams of all nodes until `signal` aborts. */
export function watchNodes(nodes: readonly Watched[], signal: AbortSignal, log: Log): Watch {
  const happenings: Happening[] = []
  const news = new EventEmitter().setMaxListeners(0)
  const follow = async ({ name, client }: Watched): Promise<void> => {
    try {
      for await (const event of client.events(signal)) {
        const happening = { member: name, event }
        happenings.push(happening)
        news.emit('happening', happening)
      }
    } catch (error) {
      // A node that ends is told of by whoever started it.
      if (!signal.aborted) log.warn('events-ended', { member: name, reason: messageOf(error) })
    }
  }
  for (const node of nodes) void follow(node)
  return {
    happenings,
    each(listener) {
      for (const happening of happenings) listener(happening)
      news.on('happening', listener)
    },
    async until(what, ms, find) {
      using limit = deadline(signal, ms)
      for (;;) {
        const found = find(happenings)
        if (found !== undefined) return found
        try {
          await once(news, 'happening', { signal: limit.signal })
        } catch (cause) {
          signal.throwIfAborted()
          throw new NodeError('FAILED_DEVNET', `${what} did not happen within ${ms / 1000} s`, {
            cause,
            next: 'read the node.log files in the devnet folder',
          })
        }
      }
    },
  }
}

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

/** What happens in the devnet's nodes. */
export interface Watch {
  /** Follows one more node's event stream, from its first event. */
  follow(member: string, client: ControlClient): void
  /** Calls back for everything that follows. */
  each(listener: (happening: Happening) => void): void
  /**
   * Resolves with what `find` makes of the happenings once that is not undefined; looked at again after each of them.
   * @throws FAILED_DEVNET naming `what` when it takes longer than `ms`
   */
  until<T>(
    what: string,
    ms: number,
    find: (happenings: readonly Happening[]) => T | undefined,
    signal: AbortSignal,
  ): Promise<T>
}

/** What to do about a round that comes to nothing: on a machine that is busy proofs come too late, slot by slot. */
export const ROUND_ADVICE =
  'end what else keeps this machine busy, or take fewer (--miners 1 --validators 1); node.log in each folder of the devnet says more'

/** More than any round brings; a devnet that runs for days forgets the oldest. */
const KEPT = 20_000

/** A watch over nodes yet to be named; it ends when `signal` aborts. */
export function createWatch(signal: AbortSignal, log: Log): Watch {
  const happenings: Happening[] = []
  const news = new EventEmitter().setMaxListeners(0)
  const follow = async (member: string, client: ControlClient): Promise<void> => {
    try {
      for await (const event of client.events(signal)) {
        const happening = { member, event }
        happenings.push(happening)
        if (happenings.length > KEPT) happenings.shift()
        news.emit('happening', happening)
      }
    } catch (error) {
      // A node that ends is told of by whoever started it.
      if (!signal.aborted) log.warn('events-ended', { member, reason: messageOf(error) })
    }
  }
  return {
    follow: (member, client) => void follow(member, client),
    each: (listener) => void news.on('happening', listener),
    async until(what, ms, find, waiting) {
      using limit = deadline(waiting, ms)
      for (;;) {
        const found = find(happenings)
        if (found !== undefined) return found
        try {
          await once(news, 'happening', { signal: limit.signal })
        } catch (cause) {
          waiting.throwIfAborted()
          throw new NodeError('FAILED_DEVNET', `${what} did not happen within ${ms / 1000} s`, {
            cause,
            next: ROUND_ADVICE,
          })
        }
      }
    },
  }
}

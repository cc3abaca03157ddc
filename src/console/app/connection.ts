import { useSyncExternalStore } from 'react'
import type { eventRoutes } from '../../api/events.ts'
import type { AnswerOf } from '../../api/route.ts'
import { isRefused } from '../../client/errors.ts'
import { http } from './api.ts'

/** An event of the node; `docs/api.md` lists their names. */
export type NodeEvent = AnswerOf<typeof eventRoutes.watchEvents>

/** `refused`: the node is there and does not know this browser (any more). */
export type ConnectionState = 'connecting' | 'live' | 'away' | 'refused'

export interface Connection {
  state(): ConnectionState
  /** When the state last changed, in ms. */
  sinceMs(): number
  onState(tell: () => void): () => void
  /** Every event from now on, and those that the node still keeps when it answers; until the returned call. */
  onEvent(tell: (event: NodeEvent) => void): () => void
  /** Tries at once instead of at the next turn. */
  retry(): void
}

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 8000

/**
 * The one stream of events between this page and its node. It is also how the page knows that the node lives: while it
 * is gone, it is looked for again and again, at growing intervals.
 */
export function connect(path = '/v1/events'): Connection {
  const states = new Set<() => void>()
  const events = new Set<(event: NodeEvent) => void>()
  let state: ConnectionState = 'connecting'
  let sinceMs = Date.now()
  let waitMs = FIRST_RETRY_MS
  let timer: ReturnType<typeof setTimeout> | undefined
  let newest: string | undefined

  const become = (next: ConnectionState): void => {
    if (state === next) return
    state = next
    sinceMs = Date.now()
    for (const tell of states) tell()
  }
  const open = async (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    try {
      const stream = await http.openEvents({ path, lastEventId: newest })
      waitMs = FIRST_RETRY_MS
      become('live')
      for await (const { id, data } of stream) {
        newest = id ?? newest
        for (const tell of events) tell(data as NodeEvent)
      }
      become('away')
    } catch (error) {
      become(isRefused(error) ? 'refused' : 'away')
    }
    timer = setTimeout(() => void open(), waitMs)
    waitMs = Math.min(LAST_RETRY_MS, waitMs * 2)
  }
  const retry = (): void => {
    if (timer === undefined) return
    waitMs = FIRST_RETRY_MS
    void open()
  }
  window.addEventListener('online', retry)
  document.addEventListener('visibilitychange', () => document.hidden || retry())
  void open()
  return {
    state: () => state,
    sinceMs: () => sinceMs,
    onState: (tell) => added(states, tell),
    onEvent: (tell) => added(events, tell),
    retry,
  }
}

function added<T>(set: Set<T>, one: T): () => void {
  set.add(one)
  return () => void set.delete(one)
}

/** The state of a connection, kept current in a component. */
export const useConnectionState = (connection: Connection): ConnectionState =>
  useSyncExternalStore(connection.onState, connection.state)

import { EventEmitter } from 'node:events'

/** What happens in a node, told to the control API's event stream, the devnet's narrator and tests. */
export interface NodeEvent {
  /** Stable kebab-case name, e.g. `offer-seen`, `slot-verdict`, `lease-settled`. */
  readonly event: string
  readonly atMs: number
  readonly [field: string]: string | number | boolean | null | undefined
}

export type EventFields = Readonly<Record<string, string | number | boolean | null | undefined>>

export interface Events {
  emit(event: string, fields?: EventFields): void
  /** Calls `listener` for every event from now on, until `signal` aborts. */
  subscribe(listener: (event: NodeEvent) => void, signal: AbortSignal): void
  /** The newest events, oldest first, so that one who subscribes late misses little. */
  recent(): readonly NodeEvent[]
}

const KEPT = 500

export function createEvents(nowMs: () => number): Events {
  const emitter = new EventEmitter().setMaxListeners(0)
  const kept: NodeEvent[] = []
  return {
    emit(event, fields = {}) {
      const item: NodeEvent = { ...fields, event, atMs: nowMs() }
      kept.push(item)
      if (kept.length > KEPT) kept.shift()
      emitter.emit('event', item)
    },
    subscribe(listener, signal) {
      emitter.on('event', listener)
      signal.addEventListener('abort', () => emitter.off('event', listener), { once: true })
    },
    recent: () => kept,
  }
}

import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'

/** What happens in a node, told to the control API's event stream, the devnet's narrator and tests. */
export interface NodeEvent {
  /** Stable kebab-case name, e.g. `offer-seen`, `slot-verdict`, `lease-settled`. */
  readonly event: string
  readonly atMs: number
  readonly [field: string]: string | number | boolean | null | undefined
}

export type EventFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/** An event that can be asked for again. */
export interface KeptEvent {
  /** Counts up from 0, without gaps. */
  readonly number: number
  readonly event: NodeEvent
}

export interface Events {
  /** Of this run of the node: numbers of another one mean other events. */
  readonly run: string
  emit(event: string, fields?: EventFields): void
  /** Calls `listener` for every event from now on, until `signal` aborts. */
  subscribe(listener: (event: NodeEvent) => void, signal: AbortSignal): void
  /** The newest events, oldest first, so that one who subscribes late misses little. */
  recent(): readonly NodeEvent[]
  /** The same with their numbers. */
  kept(): readonly KeptEvent[]
}

const KEPT = 500

export function createEvents(nowMs: () => number): Events {
  const emitter = new EventEmitter().setMaxListeners(0)
  const kept: KeptEvent[] = []
  let number = 0
  return {
    run: randomBytes(4).toString('hex'),
    emit(event, fields = {}) {
      const item: NodeEvent = { ...fields, event, atMs: nowMs() }
      kept.push({ number, event: item })
      number += 1
      if (kept.length > KEPT) kept.shift()
      emitter.emit('event', item)
    },
    subscribe(listener, signal) {
      emitter.on('event', listener)
      signal.addEventListener('abort', () => emitter.off('event', listener), { once: true })
    },
    recent: () => kept.map(({ event }) => event),
    kept: () => kept,
  }
}

import { NodeError } from '../../errors.ts'
import type { LeaseState } from '../../protocols/lease.ts'
import type { Ending } from '../../protocols/receipts.ts'

/** Where a lease stands, on either side; plain data that is stored before anything acts on it. */
export interface LeaseProgress {
  readonly state: LeaseState
  readonly startedAtMs?: number | undefined
  /** From CLOSING on: whether it ended as agreed, and why. */
  readonly ending?: Ending | undefined
}

export type LeaseEvent =
  | { readonly kind: 'quote' }
  | { readonly kind: 'agree' }
  | { readonly kind: 'start' }
  | { readonly kind: 'started'; readonly atMs: number }
  | { readonly kind: 'close'; readonly ending: Ending }
  | { readonly kind: 'settled' }
  | { readonly kind: 'lapse'; readonly reason: string }

/** From which states an event is possible. Closing twice keeps the first reason, so it is no error. */
const possible: Readonly<Record<LeaseEvent['kind'], readonly LeaseState[]>> = {
  quote: ['RESERVED'],
  agree: ['QUOTED'],
  start: ['AGREED'],
  started: ['STARTING'],
  close: ['AGREED', 'STARTING', 'ACTIVE', 'CLOSING'],
  settled: ['CLOSING'],
  // A renter whose miner never came back lapses from any state in which something was agreed.
  lapse: ['RESERVED', 'QUOTED', 'AGREED', 'STARTING', 'ACTIVE', 'CLOSING'],
}

/** The state after an event; FAILED (a fault of this program) for an event that cannot happen there. */
export function advance<T extends LeaseProgress>(lease: T, event: LeaseEvent): T {
  if (!possible[event.kind].includes(lease.state)) {
    throw new NodeError('FAILED', `a lease in state ${lease.state} cannot ${event.kind}`)
  }
  switch (event.kind) {
    case 'quote':
      return { ...lease, state: 'QUOTED' }
    case 'agree':
      return { ...lease, state: 'AGREED' }
    case 'start':
      return { ...lease, state: 'STARTING' }
    case 'started':
      return { ...lease, state: 'ACTIVE', startedAtMs: event.atMs }
    case 'close':
      if (lease.state === 'CLOSING') return lease
      return { ...lease, state: 'CLOSING', ending: event.ending }
    case 'settled':
      return { ...lease, state: lease.ending?.outcome === 'failed' ? 'FAILED' : 'SETTLED' }
    case 'lapse':
      return {
        ...lease,
        state: 'EXPIRED',
        ending: lease.ending ?? { outcome: 'failed', reason: event.reason },
      }
  }
}

const terminal: readonly LeaseState[] = ['SETTLED', 'FAILED', 'EXPIRED']
/** Whether nothing can happen to it any more. */
export const isOver = ({ state }: LeaseProgress): boolean => terminal.includes(state)

const running: readonly LeaseState[] = ['AGREED', 'STARTING', 'ACTIVE']
/** Whether there is, or is about to be, a container. */
export const isRunning = ({ state }: LeaseProgress): boolean => running.includes(state)

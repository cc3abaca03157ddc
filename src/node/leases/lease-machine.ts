import { NodeError } from '../../errors.ts'
import type { LeaseState } from '../../lease-states.ts'
import type { Ending } from '../../protocols/receipts.ts'

/** Where a lease stands, on either side; plain data that is stored before anything acts on it. */
export interface LeaseProgress {
  readonly state: LeaseState
  readonly startedAtMs?: number | undefined
  /** From CLOSING on: whether it ended as agreed, and why. */
  readonly ending?: Ending | undefined
}

/** The states of a lease whose container was started and has not ended. */
export const startedStates = [
  'ACTIVE',
  'GRACE',
  'SUSPENDED',
  'PAUSED',
] as const satisfies readonly LeaseState[]
export type StartedState = (typeof startedStates)[number]

/** Whether its container was started and has not ended, paused or not. */
export const isStarted = ({ state }: Pick<LeaseProgress, 'state'>): boolean =>
  (startedStates as readonly LeaseState[]).includes(state)

export type LeaseEvent =
  | { readonly kind: 'quote' }
  | { readonly kind: 'agree' }
  | { readonly kind: 'start' }
  | { readonly kind: 'started'; readonly atMs: number }
  /** Which of the states of a started lease it is in; a lease goes between them as often as it likes. */
  | { readonly kind: 'stand'; readonly state: StartedState }
  | { readonly kind: 'close'; readonly ending: Ending }
  | { readonly kind: 'settled' }
  | { readonly kind: 'lapse'; readonly ending: Ending }

/** From which states an event is possible. Closing twice keeps the first reason, so it is no error. */
const possible: Readonly<Record<LeaseEvent['kind'], readonly LeaseState[]>> = {
  quote: ['RESERVED'],
  agree: ['QUOTED'],
  start: ['AGREED'],
  started: ['STARTING'],
  stand: startedStates,
  close: ['AGREED', 'STARTING', ...startedStates, 'CLOSING'],
  settled: ['CLOSING'],
  // A renter whose miner never came back lapses from any state in which something was agreed.
  lapse: ['RESERVED', 'QUOTED', 'AGREED', 'STARTING', ...startedStates, 'CLOSING'],
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
    case 'stand':
      return { ...lease, state: event.state }
    case 'close':
      if (lease.state === 'CLOSING') return lease
      return { ...lease, state: 'CLOSING', ending: event.ending }
    case 'settled':
      return { ...lease, state: lease.ending?.outcome === 'failed' ? 'FAILED' : 'SETTLED' }
    case 'lapse':
      return {
        ...lease,
        state: 'EXPIRED',
        ending: lease.ending ?? event.ending,
      }
  }
}

/** The event that both sides tell of a started lease that goes from one state to another; none for a warning that is over. */
export function standEvent(from: LeaseState, to: StartedState): string | undefined {
  if (to === 'SUSPENDED') return 'lease-suspended'
  if (to === 'PAUSED') return 'lease-paused'
  if (from === 'SUSPENDED' || from === 'PAUSED') return 'lease-resumed'
  return to === 'GRACE' ? 'lease-grace' : undefined
}

const terminal: readonly LeaseState[] = ['SETTLED', 'FAILED', 'EXPIRED']
/** Whether nothing can happen to it any more. */
export const isOver = ({ state }: Pick<LeaseProgress, 'state'>): boolean => terminal.includes(state)

const running: readonly LeaseState[] = ['AGREED', 'STARTING', ...startedStates]
/** Whether there is, or is about to be, a container. */
export const isRunning = ({ state }: Pick<LeaseProgress, 'state'>): boolean =>
  running.includes(state)

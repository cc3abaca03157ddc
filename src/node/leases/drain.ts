import { NodeError } from '../../errors.ts'
import type { HostBook, HostedNow } from './host-book.ts'
import { expiryOf } from './host-look.ts'
import { isRunning, isStarted } from './lease-machine.ts'

/** Why devices take no new lease then. */
export const DRAIN_REASON = 'its owner lets it run empty'

/** What a miner that runs empty says to whoever asks for a lease or a place in its queue; undefined otherwise. */
export const drainRefusal = ({ drain }: Pick<HostBook, 'drain'>): NodeError | undefined =>
  drain().sinceMs === null
    ? undefined
    : new NodeError('REFUSED_DRAINING', `this miner takes no new lease: ${DRAIN_REASON}`, {
        next: 'take an offer of another miner',
      })

/** What the renter of a lease that runs there is told. */
export function drainNotice(book: HostBook, now: HostedNow): string | undefined {
  if (book.drain().sinceMs === null || !isRunning(now.lease)) return undefined
  const end = isStarted(now.lease) ? `, ${secondOf(endsAtMs(book, now))}` : ''
  return `the miner runs empty: this lease ends as agreed${end}, and cannot be extended`
}

const secondOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** When a lease ends as agreed, by the machine's clock. */
const endsAtMs = (book: HostBook, now: HostedNow): number =>
  book.nowMs() + (isStarted(now.lease) ? expiryOf(now) - book.steadyMs() : now.terms.durationMs)

/** How far a miner is with running empty. */
export interface DrainState {
  readonly draining: boolean
  /** Unix ms; null where it takes new leases. */
  readonly sinceMs: number | null
  /** Leases that run here, or whose container is not gone yet. */
  readonly leases: number
  /** When the last of them ends as agreed, unix ms; null where there is none. */
  readonly endsAtMs: number | null
}

/** The same, as it stands now. */
export function drainState(book: HostBook): DrainState {
  const { sinceMs } = book.drain()
  const here = [...book.live.values()].filter(
    ({ id, lease }) => isRunning(lease) || (lease.state !== 'QUOTED' && book.capacity.holds(id)),
  )
  const running = here.filter(({ lease }) => isRunning(lease))
  const last = Math.max(...running.map((now) => endsAtMs(book, now)))
  return {
    draining: sinceMs !== null,
    sinceMs,
    leases: here.length,
    endsAtMs: running.length === 0 ? null : Math.round(last),
  }
}

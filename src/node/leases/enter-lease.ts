import type { Container } from '../../containers/engine.ts'
import { NodeError } from '../../errors.ts'
import { mayEnter } from '../../protocols/terms.ts'
import { secondsMs } from '../../units.ts'
import type { HostBook, HostedNow } from './host-book.ts'
import { lookUp } from './host-lookup.ts'
import { isStarted } from './lease-machine.ts'

/** How long a session waits for its container to start. */
const START_WAIT_MS = secondsMs(50)

/** A renter that came back countersigns within a moment. */
const RESUME_WAIT_MS = secondsMs(5)

/** The running container of a lease for a peer whose key may enter; waits while it starts. */
export async function enterLease(
  book: HostBook,
  leaseId: Uint8Array,
  peer: string,
  signal: AbortSignal,
): Promise<{ container: Container; closing: AbortSignal; now: HostedNow }> {
  const { lease, now } = await lookUp(book, leaseId, (terms) => mayEnter(terms, peer))
  const suspended = (): boolean => now?.lease.state === 'SUSPENDED'
  const starting = (): boolean => now?.lease.state === 'AGREED' || now?.lease.state === 'STARTING'
  if (now !== undefined) {
    const ready = () => (starting() ? undefined : true)
    await book.changes.until(now.id, ready, { ms: START_WAIT_MS, signal })
    const goesOn = () => (suspended() ? undefined : true)
    await book.changes.until(now.id, goesOn, { ms: RESUME_WAIT_MS, signal })
  }
  if (now?.lease.state === 'PAUSED') {
    throw new NodeError('REFUSED_PAUSED', 'the lease is paused by its renter', {
      next: `let it go on: compute-node resume ${now.id.slice(0, 12)}`,
    })
  }
  if (suspended()) {
    throw new NodeError('REFUSED_SUSPENDED', 'the lease is paused: its use is not countersigned', {
      next: 'run the node that rented it: it countersigns, and the lease goes on',
    })
  }
  if (now !== undefined && isStarted(now.lease) && now.container !== undefined) {
    return { container: now.container, closing: now.closing.signal, now }
  }
  if (starting() || (now !== undefined && isStarted(now.lease))) {
    throw new NodeError('PEER_STARTING', 'the container is not ready yet', {
      next: 'try again: pulling a large image takes a while, and so does a restart of the engine',
    })
  }
  throw leaseEnded((now?.lease ?? lease).ending?.reason)
}

/** What sessions of a lease end with. */
export const leaseEnded = (reason = 'it is not running'): NodeError =>
  new NodeError('FAILED_LEASE_ENDED', `the lease has ended: ${reason}`, {
    next: 'rent again: compute-node rent',
  })

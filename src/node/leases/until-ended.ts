import type { NodeError } from '../../errors.ts'
import { leaseEnded } from './enter-lease.ts'
import type { FoundLease } from './find-lease.ts'
import { isRunning } from './lease-machine.ts'
import type { RentBook } from './rent-book.ts'

/** Looked at anew after this, whatever happens. */
const LONG_MS = 2 ** 30

/**
 * Resolves with FAILED_LEASE_ENDED once this node knows that a lease of its own has ended; undefined when `signal`
 * aborts, or the node stops. Of another renter's lease nothing is known here: only its miner tells.
 */
export async function untilEnded(
  book: RentBook,
  { id, mine }: Pick<FoundLease, 'id' | 'mine'>,
  signal: AbortSignal,
): Promise<NodeError | undefined> {
  const now = book.live.get(id)
  if (mine === undefined) return undefined
  if (now === undefined) return leaseEnded(mine.lease.ending?.reason)
  const ended = () => (isRunning(now.lease) ? undefined : leaseEnded(now.lease.ending?.reason))
  for (;;) {
    const found = await book.changes.until(id, ended, { ms: LONG_MS, signal })
    if (found !== undefined || signal.aborted) return found
  }
}

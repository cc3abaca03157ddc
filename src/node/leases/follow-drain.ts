import { DRAIN_REASON } from './drain.ts'
import type { HostBook } from './host-book.ts'
import { dropPlace } from './host-queue.ts'
import { warnAllLeases } from './warn-leases.ts'

/**
 * Lets count what the owner said: while the miner runs empty nothing of it is offered, nobody waits there, and the
 * renters of what runs know that it ends as agreed.
 */
export async function followDrain(book: HostBook): Promise<void> {
  const isDrained = book.drain().sinceMs !== null
  book.capacity.close(isDrained ? DRAIN_REASON : undefined)
  if (isDrained) {
    const gone = book.line.all().map((one) => dropPlace(book, one, DRAIN_REASON))
    await Promise.all(gone)
  }
  warnAllLeases(book)
}

import { leaseProtocol } from '../../protocols/lease.ts'
import { isStarted, type StartedState, standEvent } from './lease-machine.ts'
import type { RentBook, RentedNow } from './rent-book.ts'
import { mirror, statusIn } from './rent-lease.ts'

/**
 * Asks the miner to freeze a lease, or to let it go on; returns once it says so.
 * @throws REFUSED_NOT_RUNNING; PEER_* when the miner does not answer
 */
export async function pauseRented(
  book: RentBook,
  now: RentedNow,
  kind: 'pause' | 'resume',
): Promise<void> {
  const { leaseId, state: before } = now.lease
  const answer = await book.rpc.ask(leaseProtocol, now.terms.miner, { kind, leaseId })
  await mirror(book, now, statusIn(answer))
  const { state } = now.lease
  if (state === before || !isStarted({ state })) return
  const event = standEvent(before, state as StartedState)
  if (event !== undefined) book.events.emit(event, { id: now.id })
}

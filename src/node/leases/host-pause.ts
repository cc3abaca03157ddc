import { NodeError } from '../../errors.ts'
import type { LeaseRequest, LeaseStatus } from '../../protocols/lease.ts'
import { type HostBook, statusOf } from './host-book.ts'
import { noticeOf, standOf, tellStand } from './host-credit.ts'
import { lookUp } from './host-lookup.ts'
import { isStarted } from './lease-machine.ts'
import { pauseLease, resumeLease } from './pause-lease.ts'

type PauseRequest = Extract<LeaseRequest, { kind: 'pause' | 'resume' }>

/**
 * Pauses a lease by its renter's wish, or lets it go on. Its devices stay its own and its time goes on, so it costs what
 * it costs when it runs. Repeating it changes nothing.
 * @throws REFUSED_NOT_RUNNING
 */
export async function pauseHosted(
  book: HostBook,
  { leaseId, kind }: PauseRequest,
  peer: string,
): Promise<LeaseStatus> {
  const { now } = await lookUp(book, leaseId, ({ renter }) => renter === peer)
  if (now === undefined) throw notRunning()
  return book.locks.run(now.id, async () => {
    const { lease } = now
    if (!isStarted(lease)) throw notRunning()
    const { state: before, pausedBy = [] } = lease
    const isPausedSo = pausedBy.includes('renter')
    if (kind === 'pause' && !isPausedSo) {
      await pauseLease(book, now, 'renter', standOf(now, [...pausedBy, 'renter']))
    } else if (kind === 'resume' && isPausedSo) {
      const left = pausedBy.filter((cause) => cause !== 'renter')
      await resumeLease(book, now, 'renter', standOf(now, left))
    }
    tellStand(book, now, before)
    return statusOf(book, now.lease, now.terms, noticeOf(book, now))
  })
}

const notRunning = (): NodeError =>
  new NodeError('REFUSED_NOT_RUNNING', 'the lease does not run', {
    next: 'compute-node show LEASE tells where it stands',
  })

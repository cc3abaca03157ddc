import { messageOf } from '../../errors.ts'
import { observe, resumeMeter } from '../../protocols/metering.ts'
import type { HostBook, HostedNow } from './host-book.ts'
import { containerStatus, healthOf } from './host-look.ts'
import { saveReceipt } from './host-meter.ts'
import { advance, type StartedState } from './lease-machine.ts'
import { type HostedLease, isPaused, isUnbilled, type PauseCause } from './lease-records.ts'

/**
 * Pauses a started lease's container for a cause, disk and memory kept: what was used so far is on a receipt. For
 * `credit`, what follows is not billed. Stored first, then done; an engine that does not answer is told again
 * (`keepPaused`). Under the lease's lock.
 */
export async function pauseLease(
  book: HostBook,
  now: HostedNow,
  by: PauseCause,
  state: StartedState,
): Promise<void> {
  if (!isUnbilled(now.lease)) {
    const health = healthOf(book, now, await containerStatus(book, now))
    await saveReceipt(book, now, { ...now.lease, health })
  }
  const { pausedBy = [] } = now.lease
  await book.save(now, {
    ...advance(now.lease, { kind: 'stand', state }),
    pausedBy: [...new Set([...pausedBy, by])],
    ...(by === 'credit' ? unbilledFrom(now.lease, book.steadyMs()) : {}),
  })
  await keepPaused(book, now)
}

const unbilledFrom = ({ meter, pausedAtMs }: HostedLease, atMs: number): Partial<HostedLease> => ({
  pausedAtMs: pausedAtMs ?? atMs,
  ...(meter === undefined ? {} : { meter: observe(meter, 'paused', atMs) }),
})

/** Lifts one cause; with the last one the container goes on. What `credit` paused is billed from then. Under the lock. */
export async function resumeLease(
  book: HostBook,
  now: HostedNow,
  by: PauseCause,
  state: StartedState,
): Promise<void> {
  const { pausedBy = [], pausedAtMs, ...lease } = now.lease
  const left = pausedBy.filter((cause) => cause !== by)
  const stands = advance(lease as HostedLease, { kind: 'stand', state })
  // The container first: a pause for credit that goes on is never billed.
  if (left.length === 0) await now.container?.resume()
  const { meter } = lease
  await book.save(now, {
    ...stands,
    ...(left.length === 0 ? {} : { pausedBy: left }),
    ...(by === 'credit' || pausedAtMs === undefined ? {} : { pausedAtMs }),
    ...(by === 'credit' && meter !== undefined
      ? { meter: resumeMeter(meter, book.steadyMs()) }
      : {}),
  })
}

/** Pauses the container of a lease that is paused and whose container runs all the same. */
export async function keepPaused(book: HostBook, now: HostedNow): Promise<void> {
  try {
    if (isPaused(now.lease)) await now.container?.pause()
  } catch (error) {
    book.log.warn('lease-not-paused', { lease: now.id, reason: messageOf(error) })
  }
}

import { messageOf } from '../../errors.ts'
import { endingOf } from '../../protocols/lease-endings.ts'
import type { Ending } from '../../protocols/receipts.ts'
import { minutesMs } from '../../units.ts'
import type { HostBook, HostedNow } from './host-book.ts'
import type { Look } from './host-look.ts'
import { isStarted } from './lease-machine.ts'
import { type HostedLease, isPaused } from './lease-records.ts'
import { isBeingSnapshotted } from './sessions/kept-snapshots.ts'

/** How long a container may stand that somebody paused on its host; then its lease ends by the host's fault. */
export const HOST_PAUSE_MS = minutesMs(5)

/**
 * Tells both sides when somebody on the host paused a container, and when it goes on, and why the lease ends if that lasts.
 * Since when is stored, so that a restart of this node does not begin the time anew. A look at which the engine did not
 * answer changes nothing.
 */
export async function weighHostPause(
  book: HostBook,
  now: HostedNow,
  { status }: Pick<Look, 'status'>,
): Promise<Ending | undefined> {
  if (status === 'unknown') return undefined
  const isHosts = status === 'paused' && !isPaused(now.lease) && !isBeingSnapshotted(now.container)
  const { hostPausedAtMs } = now.lease
  if (!isHosts) {
    if (hostPausedAtMs !== undefined) await noteHostPause(book, now, undefined)
    return undefined
  }
  if (hostPausedAtMs === undefined) {
    await noteHostPause(book, now, book.steadyMs())
    return undefined
  }
  return book.steadyMs() - hostPausedAtMs >= HOST_PAUSE_MS ? endingOf('host-paused') : undefined
}

function noteHostPause(book: HostBook, now: HostedNow, atMs: number | undefined): Promise<void> {
  return book.locks.run(now.id, async () => {
    if (!isStarted(now.lease)) return
    const { hostPausedAtMs: _, ...lease } = now.lease
    const noted = atMs === undefined ? lease : { ...lease, hostPausedAtMs: atMs }
    await book.save(now, noted as HostedLease)
    const { id } = now
    if (atMs === undefined) book.events.emit('lease-host-resumed', { id })
    else book.events.emit('lease-host-paused', { id, endsInMs: HOST_PAUSE_MS })
  })
}

/** Tells both sides each time that a process in a lease was killed for want of memory; the lease goes on. Never rejects. */
export async function tellOutOfMemory(
  book: HostBook,
  now: HostedNow,
  signal: AbortSignal,
): Promise<void> {
  const { container, troubles, id } = now
  if (container === undefined) return
  try {
    for await (const _ of container.outOfMemory(signal)) {
      troubles.oomKills += 1
      troubles.oomAtMs = book.nowMs()
      book.events.emit('lease-out-of-memory', { id, kills: troubles.oomKills })
      book.changes.changed(id)
    }
  } catch (error) {
    if (!signal.aborted)
      book.log.warn('memory-not-watched', { lease: id, reason: messageOf(error) })
  }
}

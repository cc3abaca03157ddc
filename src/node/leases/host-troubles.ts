import { messageOf } from '../../errors.ts'
import { endingOf } from '../../protocols/lease-endings.ts'
import type { Ending } from '../../protocols/receipts.ts'
import { minutesMs } from '../../units.ts'
import type { HostBook, HostedNow } from './host-book.ts'
import type { Look } from './host-look.ts'
import { isPaused } from './lease-records.ts'
import { isBeingSnapshotted } from './sessions/kept-snapshots.ts'

/** How long a container may stand that somebody paused on its host; then its lease ends by the host's fault. */
export const HOST_PAUSE_MS = minutesMs(5)

/**
 * Tells both sides when somebody on the host paused a container, and when it goes on, and why the lease ends if that lasts.
 * A look at which the engine did not answer changes nothing.
 */
export function weighHostPause(
  book: HostBook,
  now: HostedNow,
  { status }: Pick<Look, 'status'>,
): Ending | undefined {
  const { troubles, lease, id } = now
  if (status === 'unknown') return undefined
  const isHosts = status === 'paused' && !isPaused(lease) && !isBeingSnapshotted(now.container)
  if (!isHosts) {
    if (troubles.hostPausedAtMs === undefined) return undefined
    troubles.hostPausedAtMs = undefined
    book.events.emit('lease-host-resumed', { id })
    book.changes.changed(id)
    return undefined
  }
  if (troubles.hostPausedAtMs === undefined) {
    troubles.hostPausedAtMs = book.steadyMs()
    book.events.emit('lease-host-paused', { id, endsInMs: HOST_PAUSE_MS })
    book.changes.changed(id)
  }
  const lastsMs = book.steadyMs() - troubles.hostPausedAtMs
  return lastsMs >= HOST_PAUSE_MS ? endingOf('host-paused') : undefined
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

import { drainNotice } from './drain.ts'
import type { HostBook, HostedNow } from './host-book.ts'
import { isRunning } from './lease-machine.ts'

/**
 * Tells the renters of the leases that hold a device what keeps it from working, or that nothing does any more: with
 * the next receipt, which is asked for at once. The lease goes on.
 */
export const warnLeases = (book: HostBook, device: string): void =>
  warn(book, ({ terms }) => terms.devices.includes(device))

/** The same for every lease. */
export const warnAllLeases = (book: HostBook): void => warn(book, () => true)

function warn(book: HostBook, which: (now: HostedNow) => boolean): void {
  for (const now of book.live.values()) {
    if (!which(now) || !isRunning(now.lease)) continue
    const notice = noticeFor(book, now)
    if (notice === now.notice) continue
    now.notice = notice
    if (notice !== undefined) book.events.emit('lease-warned', { id: now.id, notice })
    book.changes.changed(now.id)
  }
}

function noticeFor(book: HostBook, now: HostedNow): string | undefined {
  const said = now.terms.devices.flatMap((device) => {
    const bar = book.capacity.barOf(device)
    // What is checked before new work says nothing of work that runs.
    return bar === undefined || bar.kind === 'unfit'
      ? []
      : [`${device} is ${bar.kind}: ${bar.reason}`]
  })
  const all = [...said, drainNotice(book, now) ?? []].flat()
  return all.length === 0 ? undefined : all.join('; ').slice(0, 200)
}

import type { HostBook, HostedNow } from './host-book.ts'
import { isRunning } from './lease-machine.ts'

/**
 * Tells the renters of the leases that hold a device what keeps it from working, or that nothing does any more: with
 * the next receipt, which is asked for at once. The lease goes on.
 */
export function warnLeases(book: HostBook, device: string): void {
  for (const now of book.live.values()) {
    if (!now.terms.devices.includes(device) || !isRunning(now.lease)) continue
    const notice = noticeFor(book, now)
    if (notice === now.notice) continue
    now.notice = notice
    if (notice !== undefined) book.events.emit('lease-warned', { id: now.id, notice })
    book.changes.changed(now.id)
  }
}

function noticeFor({ capacity }: HostBook, { terms }: HostedNow): string | undefined {
  const said = terms.devices.flatMap((device) => {
    const bar = capacity.barOf(device)
    // What is checked before new work says nothing of work that runs.
    return bar === undefined || bar.kind === 'unfit'
      ? []
      : [`${device} is ${bar.kind}: ${bar.reason}`]
  })
  return said.length === 0 ? undefined : said.join('; ').slice(0, 200)
}

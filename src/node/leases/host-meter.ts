import type { Health } from '../../lease-states.ts'
import { issued, nextReceipt, observe } from '../../protocols/metering.ts'
import { sealReceipt } from '../../protocols/receipts.ts'
import type { HostBook, HostedNow } from './host-book.ts'
import { type HostedLease, isUnbilled } from './lease-records.ts'

/** Counts up to now, signs the next receipt and stores both with the lease, together. Under the lease's lock. */
export async function saveReceipt(
  book: HostBook,
  now: HostedNow,
  lease: HostedLease,
): Promise<void> {
  if (lease.meter === undefined) return book.save(now, lease)
  const meter = observe(lease.meter, meteredAs(now.lease, lease.health), book.steadyMs())
  const atMs = book.nowMs()
  const receipt = sealReceipt(book.net, book.key, nextReceipt(meter, now.terms, atMs, lease.ending))
  const { seq, cumulative } = receipt.payload
  const next = { ...lease, cumulative, meter: issued(meter, receipt) }
  await book.save(now, next, [{ seq, bytes: receipt.bytes }])
  book.events.emit('receipt-issued', { id: now.id, seq, cumulative, asset: now.terms.asset })
}

const meteredAs = (lease: HostedLease, health: Health): Health | 'paused' =>
  isUnbilled(lease) ? 'paused' : health

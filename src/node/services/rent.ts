import { followLease } from '../leases/follow-lease.ts'
import { isOver } from '../leases/lease-machine.ts'
import type { RentBook, RentedNow } from '../leases/rent-book.ts'
import type { Service } from '../service.ts'

/** Keeps up with the leases this node rents, also those that a run before this one took. */
export const rent = ({ renting: book }: { readonly renting: RentBook }): Service => ({
  name: 'rent',
  async start() {
    const stored = await book.records.all()
    await book.spending.reconcile(stored.map((lease) => ({ lease, terms: book.view(lease).terms })))
    for (const lease of stored) {
      if (!isOver(lease)) book.add(lease)
    }
    followAll(book)
  },
  async stop() {
    const followed = [...book.live.values()].map((now) => now.followed)
    book.lifetime.abort(new Error('this node stops'))
    await Promise.all(followed)
  },
})

/** Follows every lease that nobody follows yet, also one whose taking failed half-way. */
export function followAll(book: RentBook): void {
  for (const now of book.live.values()) {
    if (now.followed === undefined) follow(book, now)
  }
}

/** Follows a lease in the background until it is over or the node stops. */
function follow(book: RentBook, now: RentedNow): void {
  now.followed = followLease(book, now).catch((error) => {
    if (!book.lifetime.signal.aborted) book.log.error('follow-failed', error, { lease: now.id })
  })
}

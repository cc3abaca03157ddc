import { NodeError } from '../../errors.ts'
import type { Terms } from '../../protocols/terms.ts'
import type { HostBook, HostedNow } from './host-book.ts'
import { type HostedLease, hexOf } from './lease-records.ts'
import { termsOf } from './lease-terms.ts'

/** What a key hears that the lease does not name for this. */
export const notAuthorized = (): NodeError =>
  new NodeError('REFUSED_NOT_AUTHORIZED', 'this key is not authorized by the lease', {
    next: 'ask the renter for its own data folder, or to rent with this PeerId among the authorized',
  })

/** A lease that is not, or no longer, among this miner's. */
export const unknownLease = (): NodeError =>
  new NodeError('REFUSED_UNKNOWN_LEASE', 'this miner has no such lease', {
    next: 'compute-node leases lists the leases of this data folder',
  })

/** A lease of this miner, alive or over; REFUSED_UNKNOWN_LEASE. */
export async function known(book: HostBook, id: string): Promise<HostedLease> {
  const lease = book.live.get(id)?.lease ?? (await book.records.get(id))
  if (lease === undefined) throw unknownLease()
  return lease
}

/** A lease and its terms, for a peer that `may` see it. */
export async function lookUp(
  book: HostBook,
  leaseId: Uint8Array,
  may: (terms: Terms) => boolean,
): Promise<{ lease: HostedLease; terms: Terms; now: HostedNow | undefined }> {
  const id = hexOf(leaseId)
  const lease = await known(book, id)
  const now = book.live.get(id)
  const terms = now?.terms ?? termsOf(book.net, lease)
  if (!may(terms)) throw notAuthorized()
  return { lease, terms, now }
}

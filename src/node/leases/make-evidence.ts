import { EVIDENCE_KIND, type LeaseEvidence, networkFields } from '../../protocols/lease-evidence.ts'
import { hexOf, type RentedLease } from './lease-records.ts'
import type { RentBook } from './rent-book.ts'

/** All that this node has of a lease it rented, for anyone to check without it. */
export async function makeEvidence(book: RentBook, lease: RentedLease): Promise<LeaseEvidence> {
  const { minerTerms, renterTerms, countersigned, voucher, advance, dispute, extensions } = lease
  return {
    kind: EVIDENCE_KIND,
    ...networkFields(book.net),
    minerTerms,
    renterTerms,
    ...(extensions === undefined ? {} : { extensions }),
    receipts: await book.records.receipts(hexOf(lease.leaseId), 0, -1),
    ...(countersigned === undefined ? {} : { countersigned }),
    ...(voucher === undefined ? {} : { voucher }),
    ...(advance === undefined
      ? {}
      : { advance: { limit: advance.limit, signature: advance.signature } }),
    ...(dispute === undefined ? {} : { dispute }),
  }
}

import { NodeError } from '../../errors.ts'
import type { Terms } from '../../protocols/terms.ts'
import { hexOf, type RentedLease } from './lease-records.ts'
import { termsOf } from './lease-terms.ts'
import type { RentBook } from './rent-book.ts'

/** What a LEASE argument names: where it is, and this node's record of it when it rented it. */
export interface FoundLease {
  readonly id: string
  readonly leaseId: Uint8Array
  readonly miner: string
  readonly mine?: { readonly lease: RentedLease; readonly terms: Terms }
}

/**
 * The lease that `text` names: its id, a beginning of it that fits one alone, or `id@peerId` for a lease that another
 * renter authorized this node for.
 * @throws NOTHING_MATCHED, or BAD_CONFIG_LEASE when it fits several or is no id at all
 */
export async function findLease(book: RentBook, text: string): Promise<FoundLease> {
  const foreign = /^([0-9a-f]{64})@([1-9A-HJ-NP-Za-km-z]{46,64})$/i.exec(text)
  if (foreign !== null) {
    const id = foreign[1]!.toLowerCase()
    const own = await book.records.get(id)
    if (own !== undefined) return found(book, own)
    return { id, leaseId: Uint8Array.from(Buffer.from(id, 'hex')), miner: foreign[2]! }
  }
  const prefix = text.toLowerCase()
  if (!/^[0-9a-f]{1,64}$/.test(prefix)) {
    throw new NodeError('BAD_CONFIG_LEASE', `"${text}" is no lease id`, {
      next: text.includes('@')
        ? 'write all 64 digits of the id, then @ and the PeerId of its miner'
        : 'compute-node leases lists them; a lease of another renter is written ID@PEERID',
    })
  }
  const fitting = (await book.records.all()).filter(({ leaseId }) =>
    hexOf(leaseId).startsWith(prefix),
  )
  if (fitting.length > 1) {
    throw new NodeError('BAD_CONFIG_LEASE', `"${text}" fits ${fitting.length} leases`, {
      next: 'give more of its id: compute-node leases',
    })
  }
  const [lease] = fitting
  if (lease !== undefined) return found(book, lease)
  throw new NodeError('NOTHING_MATCHED', `no lease ${text} in this data folder`, {
    next: 'compute-node leases lists them; a lease of another renter is written ID@PEERID',
  })
}

function found(book: RentBook, lease: RentedLease): FoundLease {
  const terms = termsOf(book.net, lease)
  return {
    id: hexOf(lease.leaseId),
    leaseId: lease.leaseId,
    miner: terms.miner,
    mine: { lease, terms },
  }
}

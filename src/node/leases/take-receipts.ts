import { endedFields } from '../../protocols/lease-endings.ts'
import { acceptReceipt } from '../../protocols/metering.ts'
import { keyOfPeerId } from '../../protocols/peer-key.ts'
import {
  openReceipt,
  type Receipt,
  type ReceiptsResponse,
  sealReceipt,
} from '../../protocols/receipts.ts'
import type { Signed } from '../../protocols/signed.ts'
import { advance } from './lease-machine.ts'
import type { NumberedReceipt, RentedLease } from './lease-records.ts'
import { FREE_RAIL } from './quote.ts'
import type { RentBook, RentedNow } from './rent-book.ts'

/** Checks, stores and countersigns; the newest countersignature covers all before it. Under the lease's lock. */
export async function takeReceipts(
  book: RentBook,
  now: RentedNow,
  { receipts: records, health = 'ok' }: Pick<ReceiptsResponse, 'receipts' | 'health'>,
): Promise<void> {
  if (records.length === 0) return
  const miner = keyOfPeerId(now.terms.miner)
  const elapsedMs = book.nowMs() - now.lease.acceptedAtMs
  const kept: NumberedReceipt[] = []
  let { meter } = now.lease
  let newest: Signed<Receipt> | undefined
  for (const bytes of records) {
    newest = openReceipt(book.net, bytes, miner)
    meter = acceptReceipt(meter, now.terms, newest, elapsedMs)
    kept.push({ seq: newest.payload.seq, bytes })
  }
  const { seq, cumulative, final } = newest!.payload
  const countersigned = sealReceipt(book.net, book.key, newest!.payload).bytes
  const running: RentedLease = {
    ...now.lease,
    meter,
    cumulative,
    health,
    countersigned,
    acknowledgedSeq: seq,
    acknowledged: cumulative,
    ...voucherFor(book, now, cumulative),
  }
  const lease =
    final === undefined ? running : advance(running, { kind: 'close', ending: { ...final } })
  await book.save(now, lease, kept)
  book.events.emit('receipt-countersigned', { id: now.id, seq, cumulative })
  if (final !== undefined) book.events.emit('lease-ended', endedFields(now.id, final))
}

function voucherFor({ rail }: RentBook, { terms, lease }: RentedNow, cumulative: string) {
  if (rail === undefined || terms.rail === FREE_RAIL) return {}
  return { voucher: rail.signVoucher(lease.leaseId, BigInt(cumulative)) }
}

import { NodeError } from '../../errors.ts'
import { advanceLimit } from '../../protocols/credit.ts'
import { endedFields } from '../../protocols/lease-endings.ts'
import { acceptReceipt, type RenterMeter } from '../../protocols/metering.ts'
import { keyOfPeerId } from '../../protocols/peer-key.ts'
import {
  openReceipt,
  type Receipt,
  type ReceiptsResponse,
  sealReceipt,
} from '../../protocols/receipts.ts'
import type { Signed } from '../../protocols/signed.ts'
import type { Terms } from '../../protocols/terms.ts'
import { lookElapsed, trusting } from './elapsed.ts'
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
  let elapsed = lookElapsed(now.elapsed, book)
  const kept: NumberedReceipt[] = []
  let { meter } = now.lease
  let newest: Signed<Receipt> | undefined
  for (const bytes of records) {
    newest = openReceipt(book.net, bytes, miner)
    const { upMs } = newest.payload
    if (elapsed.isUnsure === true) {
      book.log.warn('clock-went-back', { lease: now.id, elapsedMs: elapsed.ms, upMs })
      elapsed = trusting(elapsed, Math.min(upMs, now.terms.durationMs))
    }
    meter = accepted(now, meter, newest, elapsed.ms)
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
    ...advanceFor(book, now, meter.upMs),
    elapsed: { ms: elapsed.ms, wallMs: elapsed.wallMs },
  }
  const lease =
    final === undefined ? running : advance(running, { kind: 'close', ending: { ...final } })
  await book.save(now, lease, kept)
  now.elapsed = elapsed
  book.events.emit('receipt-countersigned', { id: now.id, seq, cumulative })
  if (final !== undefined) book.events.emit('lease-ended', endedFields(now.id, final))
}

/** With an extension that this node has signed: the miner may count it before this node hears so. */
const signedTerms = ({ terms, lease: { extending } }: RentedNow): Terms =>
  extending === undefined
    ? terms
    : { ...terms, durationMs: extending.durationMs, cap: extending.cap }

/** The record that was refused is kept: it is signed, and shows what the miner did. */
function accepted(
  now: RentedNow,
  meter: RenterMeter,
  receipt: Signed<Receipt>,
  elapsedMs: number,
): RenterMeter {
  try {
    return acceptReceipt(meter, signedTerms(now), receipt, elapsedMs)
  } catch (cause) {
    if (!(cause instanceof NodeError)) throw cause
    const { code, message, next } = cause
    throw new NodeError(code, message, {
      cause,
      record: receipt.bytes,
      ...(next === undefined ? {} : { next }),
    })
  }
}

/** What this node signs in advance that has accepted `upMs`; nothing where the terms have no window for it. */
export function advanceFor(
  { rail }: RentBook,
  { terms, lease }: RentedNow,
  upMs: number,
): Pick<RentedLease, 'advance'> {
  const limit = advanceLimit(terms, upMs)
  if (rail === undefined || terms.rail === FREE_RAIL || limit === 0n) return {}
  if (limit <= BigInt(lease.advance?.limit ?? 0)) return {}
  const signature = rail.escrow.signAdvance(lease.leaseId, limit)
  return { advance: { limit: limit.toString(), signature } }
}

function voucherFor({ rail }: RentBook, { terms, lease }: RentedNow, cumulative: string) {
  if (rail === undefined || terms.rail === FREE_RAIL) return {}
  return { voucher: rail.escrow.signVoucher(lease.leaseId, BigInt(cumulative)) }
}

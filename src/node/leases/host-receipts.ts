import { NodeError } from '../../errors.ts'
import { keyOfPeerId } from '../../protocols/peer-key.ts'
import {
  openReceipt,
  RECEIPTS_PER_PAGE,
  type ReceiptsRequest,
  type ReceiptsResponse,
  receiptCodec,
} from '../../protocols/receipts.ts'
import type { HostBook, HostedNow } from './host-book.ts'
import { noticeOf, weighCredit } from './host-credit.ts'
import { lookUp } from './host-lookup.ts'
import { isRunning } from './lease-machine.ts'
import { type HostedLease, hexOf } from './lease-records.ts'
import { troubleNotice } from './troubles.ts'

/** Takes the renter's countersignature and hands out what is new, waiting for it as long as asked. */
export async function answerReceipts(
  book: HostBook,
  request: ReceiptsRequest,
  peer: string,
): Promise<ReceiptsResponse> {
  const { now, lease } = await lookUp(book, request.leaseId, ({ renter }) => renter === peer)
  if (now === undefined) return page(book, lease, request.have)
  const notice = noticed(now)
  const { state } = now.lease
  if (request.advance !== undefined) await takeAdvance(book, now, request.advance)
  if (request.countersigned !== undefined) {
    await acknowledge(book, now, request.countersigned, request.voucher)
  }
  const news = () =>
    (now.lease.meter?.seq ?? 0) > request.have ||
    over(now.lease) ||
    noticed(now) !== notice ||
    now.lease.state !== state
      ? true
      : undefined
  await book.changes.until(now.id, news, { ms: request.waitMs, signal: book.lifetime.signal })
  return { ...(await page(book, now.lease, request.have)), ...stateOf(book, now) }
}

/** What is told as soon as it changes; how a credit stands changes with every receipt. */
const noticed = ({ notice, troubles, lease, terms }: HostedNow): string =>
  `${notice ?? ''}${troubleNotice(troubles, lease, terms.memoryMiB) ?? ''}`

function stateOf(book: HostBook, now: HostedNow) {
  const notice = noticeOf(book, now)
  const { health, state } = now.lease
  const { diskUsedMiB } = now
  return {
    ...{ health, state },
    ...(notice === undefined ? {} : { notice }),
    ...(diskUsedMiB === undefined ? {} : { diskUsedMiB }),
  }
}

const over = (lease: HostedLease): boolean => !isRunning(lease)

async function page(book: HostBook, lease: HostedLease, have: number): Promise<ReceiptsResponse> {
  const receipts = await book.records.receipts(hexOf(lease.leaseId), have, RECEIPTS_PER_PAGE)
  const last = have + receipts.length
  return { receipts, ended: over(lease) && last >= (lease.meter?.seq ?? 0) }
}

function acknowledge(
  book: HostBook,
  now: HostedNow,
  countersigned: Uint8Array,
  voucher: Uint8Array | undefined,
): Promise<void> {
  const renter = keyOfPeerId(now.terms.renter)
  const { payload } = openReceipt(book.net, countersigned, renter)
  return book.locks.run(now.id, async () => {
    const { leaseId, acknowledgedSeq } = now.lease
    if (payload.seq <= acknowledgedSeq || !isOpen(now.lease)) return // said before
    const [issued] = await book.records.receipts(now.id, payload.seq - 1, 1)
    const own = issued === undefined ? undefined : openReceipt(book.net, issued, book.key.publicKey)
    if (
      own === undefined ||
      !sameBytes(receiptCodec.encode(own.payload), receiptCodec.encode(payload))
    ) {
      throw new NodeError('BAD_MESSAGE', 'the countersignature is of no receipt of this lease')
    }
    const cumulative = BigInt(payload.cumulative)
    checkVoucher(book, now, cumulative, voucher, renter)
    await book.save(now, {
      ...now.lease,
      countersigned,
      acknowledgedSeq: payload.seq,
      acknowledged: payload.cumulative,
      ...(voucher === undefined ? {} : { voucher }),
    })
    book.events.emit('receipt-countersigned', {
      id: hexOf(leaseId),
      seq: payload.seq,
      cumulative: payload.cumulative,
    })
    await weighCredit(book, now)
  })
}

/** Keeps the largest advance; one that the ledger would not take covers nothing, and is said so. */
function takeAdvance(
  book: HostBook,
  now: HostedNow,
  { limit, signature }: NonNullable<ReceiptsRequest['advance']>,
): Promise<void> {
  return book.locks.run(now.id, async () => {
    const { terms, lease } = now
    const { rail } = book
    if (rail === undefined || terms.rail !== rail.name || !isOpen(lease)) return
    if (BigInt(limit) <= BigInt(lease.advance?.limit ?? 0)) return // said before
    const renter = keyOfPeerId(terms.renter)
    const advance = { leaseId: lease.leaseId, limit: BigInt(limit), signature, renter }
    if (BigInt(limit) > BigInt(terms.cap) || !rail.escrow.checkAdvance(advance)) {
      throw new NodeError('BAD_MESSAGE', 'the advance is not signed, or above the cap')
    }
    await book.save(now, { ...lease, advance: { limit, signature } })
    await weighCredit(book, now)
  })
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
const isOpen = (lease: HostedLease): boolean => isRunning(lease) || lease.state === 'CLOSING'

/** A ledger pays vouchers: an acknowledgement without one that the ledger takes would be worth nothing. */
function checkVoucher(
  { rail }: HostBook,
  { terms, lease }: HostedNow,
  cumulative: bigint,
  signature: Uint8Array | undefined,
  renter: Uint8Array,
): void {
  if (rail === undefined || terms.rail !== rail.name || cumulative === 0n) return
  const { leaseId } = lease
  const good =
    signature !== undefined && rail.escrow.checkVoucher({ leaseId, cumulative, signature, renter })
  if (!good) throw new NodeError('BAD_MESSAGE', 'the voucher is not what the receipt says')
}

import type { Claim } from '../../chain/payment-rail.ts'
import { sleep } from '../../clock.ts'
import { codeOf, NodeError } from '../../errors.ts'
import { hoursMs, secondsMs } from '../../units.ts'
import type { HostBook, HostedNow } from './host-book.ts'
import { advance } from './lease-machine.ts'
import type { HostedLease } from './lease-records.ts'
import { FREE_RAIL } from './quote.ts'

/** How long a renter that went away may take to countersign; a closed laptop is no breach. */
const PATIENCE_MS = hoursMs(24)
const RETRY_MS = secondsMs(5)

const acknowledgedAll = ({ cumulative, acknowledgedSeq, meter }: HostedLease): boolean =>
  cumulative === '0' || acknowledgedSeq >= (meter?.seq ?? 0)

/**
 * Settles a closed lease on its ledger: with the renter's last word once it has given it, or with what it signed so
 * far when its time is up. Unfinished when the node stops; it goes on after a restart.
 */
export async function settleHosted(book: HostBook, now: HostedNow): Promise<void> {
  const { signal } = book.lifetime
  const leftMs = (now.lease.closedAtMs ?? book.nowMs()) + PATIENCE_MS - book.nowMs()
  await book.changes.until(now.id, () => acknowledgedAll(now.lease) || undefined, {
    ms: Math.max(0, leftMs),
    signal,
  })
  while (!signal.aborted) {
    try {
      return await settleNow(book, now)
    } catch (error) {
      book.log.warn('lease-settlement-waits', { lease: now.id, code: codeOf(error) })
      await sleep(RETRY_MS, signal)
    }
  }
}

/** Settles with what the renter has signed so far. A lease whose container may still be there stays in memory until it is gone. */
export async function settleNow(book: HostBook, now: HostedNow): Promise<void> {
  const paid = await claim(book, now)
  if (paid > 0n) await book.payers.put(now.terms.renter, Uint8Array.of(1))
  await book.locks.run(now.id, async () => {
    const settled = paid.toString()
    const isGone = now.removal === 'done'
    await book.save(now, {
      ...advance(now.lease, { kind: 'settled' }),
      settled,
      ...(isGone ? {} : { containerStays: true as const }),
    })
    if (isGone) book.live.delete(now.id)
  })
  const { asset } = now.terms
  book.events.emit('lease-settled', { id: now.id, amount: paid.toString(), asset })
}

async function claim({ rail }: HostBook, { terms, lease }: HostedNow): Promise<bigint> {
  if (terms.rail === FREE_RAIL) return 0n
  if (rail === undefined) throw new NodeError('CHAIN_UNREACHABLE', 'no ledger is configured')
  if ((await rail.escrow.inspect(lease.leaseId)) === undefined) return 0n // the renter never paid in
  return (await rail.escrow.settle(lease.leaseId, claimOf(lease))).claimed
}

/** The better of what the renter countersigned and what it signed in advance: no more than its receipts say. */
export function claimOf(lease: HostedLease): Claim | undefined {
  const { leaseId, voucher, advance } = lease
  const acknowledged = BigInt(lease.acknowledged)
  const limit = BigInt(advance?.limit ?? 0)
  const owed = BigInt(lease.cumulative)
  const ahead = owed < limit ? owed : limit
  if (advance !== undefined && ahead > acknowledged) {
    return { advance: { leaseId, limit, signature: advance.signature }, cumulative: ahead }
  }
  if (voucher === undefined) return undefined
  return { voucher: { leaseId, cumulative: acknowledged, signature: voucher } }
}

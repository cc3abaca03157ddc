import { sleep } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import {
  nextExtension,
  openExtension,
  sameExtension,
  sealExtension,
} from '../../protocols/extension.ts'
import { leaseProtocol } from '../../protocols/lease.ts'
import { formatAmount, parseAmount } from '../../protocols/money.ts'
import { isRefusal } from '../../protocols/refusal.ts'
import type { Terms } from '../../protocols/terms.ts'
import { secondsMs } from '../../units.ts'
import { isStarted } from './lease-machine.ts'
import type { RentedLease } from './lease-records.ts'
import { extendedOf } from './lease-terms.ts'
import { FREE_RAIL } from './quote.ts'
import type { RentBook, RentedNow } from './rent-book.ts'
import { escrowExpiryMs } from './rent-lease.ts'

/** How long receipts wait for an extension that goes on; it goes on after. */
const PATIENCE_MS = secondsMs(15)

/** What a renter asks for. */
export interface ExtendOrder {
  readonly addMs: number
  /** The most the whole lease may cost then, and all leases in a day; decimal, of its asset. */
  readonly maxCost?: string | undefined
  readonly maxDailyCost?: string | undefined
  /** An extension with the same key is had once: repeating it changes nothing. */
  readonly idempotencyKey?: string | undefined
}

/**
 * Gives a lease more time: this node signs, the miner signs, the money is locked, and then it counts. What a crash of
 * either side leaves half done goes on by itself (`pursueExtension`): nothing is paid twice.
 * @throws REFUSED_EXTENSION of the miner; REFUSED_COST, REFUSED_SPENDING of this node's own caps; CHAIN_* when the money
 *   could not be locked; PEER_OUTCOME_UNKNOWN when the miner went silent after it was told
 */
export function extendLease(book: RentBook, now: RentedNow, order: ExtendOrder): Promise<void> {
  return alone(book, now, async () => {
    const { idempotencyKey: key } = order
    if (key !== undefined && now.lease.extending?.key === key) return carryOn(book, now)
    if (key !== undefined && now.lease.extendedUnder?.includes(key)) return
    // One that was asked for before comes first.
    if (now.lease.extending !== undefined) await carryOn(book, now)
    if (!isStarted(now.lease)) {
      throw new NodeError('REFUSED_NOT_RUNNING', 'the lease does not run', {
        next: `compute-node show ${now.id.slice(0, 12)}`,
      })
    }
    const extension = nextExtension(extendedOf(book.net, now.lease), order.addMs, book.nowMs())
    const { cap, durationMs } = extension
    checkCost(now.terms, cap, order)
    await book.spending.raise(now.lease.leaseId, now.terms, BigInt(cap), order.maxDailyCost)
    const renter = sealExtension(book.net, book.key, extension).bytes
    await change(book, now, (lease) => ({
      ...lease,
      extending: { renter, durationMs, cap, ...(key === undefined ? {} : { key }) },
    }))
    await carryOn(book, now)
  })
}

/** Goes on with an extension that a crash or a silent miner left half done; what speaks against it now drops it. Never rejects. */
export async function pursueExtension(book: RentBook, now: RentedNow): Promise<void> {
  if (now.lease.extending === undefined || now.isExtending) return
  const work = alone(book, now, () => carryOn(book, now)).catch((error: unknown) => {
    const fields = { lease: now.id, code: codeOf(error), reason: messageOf(error) }
    if (!book.lifetime.signal.aborted) book.log.warn('extension-waits', fields)
  })
  const done = new AbortController()
  const waited = sleep(PATIENCE_MS, AbortSignal.any([done.signal, book.lifetime.signal]))
  // Receipts do not wait for a ledger that stalls, nor does a node that stops.
  await Promise.race([work, waited.catch(() => undefined)])
  done.abort()
}

/** One at a time for a lease; not under its lock, which receipts take meanwhile. */
const alone = (book: RentBook, now: RentedNow, work: () => Promise<void>): Promise<void> =>
  book.locks.run(`extend ${now.id}`, async () => {
    now.isExtending = true
    try {
      await work()
    } finally {
      now.isExtending = false
    }
  })

function checkCost({ asset }: Terms, cap: string, { maxCost }: ExtendOrder): void {
  if (maxCost === undefined || BigInt(cap) <= parseAmount(maxCost, asset)) return
  const shown = formatAmount(BigInt(cap), asset)
  throw new NodeError(
    'REFUSED_COST',
    `the whole lease can cost ${shown} ${asset} then: --max-cost is ${maxCost}`,
    { next: 'extend it by less, or raise --max-cost' },
  )
}

/** Each step may be repeated: the same record is signed once, the deposit is a sum and no addition. */
async function carryOn(book: RentBook, now: RentedNow): Promise<void> {
  if (now.lease.extending === undefined) return
  try {
    let { miner, counts } = await tell(book, now)
    if (!counts) {
      await topUp(book, now)
      ;({ miner, counts } = await tell(book, now))
    }
    if (!counts) throw new NodeError('PEER_NOT_PAID', 'the miner does not see the money yet')
    await count(book, now, miner)
  } catch (error) {
    if (isFinal(error)) await drop(book, now, error)
    throw outcomeOf(error, now)
  }
}

async function tell(book: RentBook, now: RentedNow) {
  const extension = now.lease.extending!.renter
  const request = { kind: 'extend' as const, leaseId: now.lease.leaseId, extension }
  const answer = await book.rpc.ask(leaseProtocol, now.terms.miner, request)
  if (answer.kind !== 'extension') throw new NodeError('BAD_MESSAGE', 'no extension in the answer')
  const { payload } = openExtension(book.net, answer.extension, now.terms.miner)
  const own = openExtension(book.net, extension, now.terms.renter).payload
  if (!sameExtension(payload, own)) {
    throw new NodeError('BAD_MESSAGE', 'the miner signed another extension')
  }
  return { miner: answer.extension, counts: answer.counts }
}

async function topUp({ rail }: RentBook, { terms, lease }: RentedNow): Promise<void> {
  if (terms.rail === FREE_RAIL || rail === undefined) return
  const { durationMs, cap } = lease.extending!
  await rail.escrow.topUp({
    leaseId: lease.leaseId,
    deposit: BigInt(cap),
    expiresAtMs: escrowExpiryMs({ ...terms, durationMs }),
  })
}

async function count(book: RentBook, now: RentedNow, miner: Uint8Array): Promise<void> {
  await change(book, now, ({ extending, ...lease }) => {
    const { renter, durationMs, key } = extending!
    const { startedAtMs, extensions = [], extendedUnder = [] } = lease
    return {
      ...lease,
      extensions: [...extensions, { miner, renter }],
      ...(startedAtMs === undefined ? {} : { expiresAtMs: startedAtMs + durationMs }),
      ...(key === undefined ? {} : { extendedUnder: [...extendedUnder, key] }),
    } as RentedLease
  })
  book.events.emit('lease-extended', { id: now.id, expiresAtMs: now.lease.expiresAtMs })
}

/** What was locked for it stays in the deposit, and goes back with the rest when the lease is settled. */
async function drop(book: RentBook, now: RentedNow, error: unknown): Promise<void> {
  await change(book, now, ({ extending: _, ...lease }) => lease as RentedLease)
  book.events.emit('lease-not-extended', { id: now.id, reason: messageOf(error) })
}

const change = (
  book: RentBook,
  now: RentedNow,
  to: (lease: RentedLease) => RentedLease,
): Promise<void> => book.locks.run(now.id, () => book.save(now, to(now.lease)))

/** Said by the miner about this extension, or by the ledger: trying again would change nothing. */
const isFinal = (error: unknown): boolean => {
  const code = codeOf(error)
  if (code === 'CHAIN_NO_FUNDS' || code === 'CHAIN_REFUSED') return true
  return isRefusal(error) && /^(REFUSED|BAD_MESSAGE|FAILED)(_|$)/.test(code)
}

function outcomeOf(error: unknown, { id }: RentedNow): unknown {
  if (!codeOf(error).startsWith('PEER_') || isRefusal(error)) return error
  return new NodeError(
    'PEER_OUTCOME_UNKNOWN',
    `the miner does not answer about the extension (${messageOf(error)}); this node goes on with it`,
    { cause: error, next: `compute-node show ${id.slice(0, 12)}` },
  )
}

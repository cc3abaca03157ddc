import { every } from '../../clock.ts'
import { codeOf } from '../../errors.ts'
import { minutesMs } from '../../units.ts'
import { askDepositBack } from '../leases/ask-deposit-back.ts'
import { isOver } from '../leases/lease-machine.ts'
import { hexOf, type RentedLease } from '../leases/lease-records.ts'
import type { RentBook } from '../leases/rent-book.ts'
import { escrowExpiryMs } from '../leases/rent-lease.ts'
import type { Service } from '../service.ts'

/**
 * Looks after the money of leases that are over: a miner that does not know one gives it back, and what a miner did not
 * claim in time is taken back.
 */
export function settle({ renting: book }: { readonly renting: RentBook }): Service {
  let working: Promise<void> = Promise.resolve()
  return {
    name: 'settle',
    async start(signal) {
      const work = (): Promise<void> => {
        working = settleAll(book, signal)
        return working
      }
      void every(minutesMs(10), { signal, log: book.log, name: 'settle' }, work)
      book.events.subscribe(({ event }) => {
        if (event === 'lease-ended') work().catch((error) => book.log.error('settle-failed', error))
      }, signal)
    },
    stop: () => working.catch(() => undefined), // logged by whoever began it
  }
}

/** Brings the record of every escrow that is not known to be closed up to what the ledger says. */
export function settleAll(book: RentBook, signal = book.lifetime.signal): Promise<void> {
  return book.locks.run('settle', async () => {
    for (const lease of await book.records.all()) {
      if (signal.aborted) return
      if (!isOver(lease) || lease.escrow === 'none' || lease.escrow === 'closed') continue
      try {
        await settleOne(book, lease, signal)
      } catch (error) {
        book.log.warn('escrow-waits', { lease: hexOf(lease.leaseId), code: codeOf(error) })
      }
    }
  })
}

async function settleOne(book: RentBook, lease: RentedLease, signal: AbortSignal): Promise<void> {
  const { rail } = book
  if (rail === undefined) return
  const { terms, id } = book.view(lease)
  let escrow = await rail.escrow.inspect(lease.leaseId)
  if (escrow === undefined) return store(book, { ...lease, escrow: 'none', settled: '0' })
  if (escrow.state !== 'closed' && book.nowMs() > escrowExpiryMs(terms)) {
    escrow = await rail.escrow.reclaim(lease.leaseId)
  } else if (escrow.state === 'open') {
    await askDepositBack(book, terms.miner, lease.leaseId, signal)
    escrow = (await rail.escrow.inspect(lease.leaseId)) ?? escrow
  }
  if (escrow.state !== 'closed') return
  const settled = escrow.claimed.toString()
  await store(book, { ...lease, escrow: 'closed', settled })
  book.events.emit('lease-settled', { id, amount: settled, asset: terms.asset })
}

async function store(book: RentBook, lease: RentedLease): Promise<void> {
  await book.records.put(lease)
  await book.spending.note(lease, book.view(lease).terms)
}

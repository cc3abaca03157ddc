import { every } from '../../clock.ts'
import { codeOf } from '../../errors.ts'
import { minutesMs } from '../../units.ts'
import { isOver } from '../leases/lease-machine.ts'
import { hexOf, type RentedLease } from '../leases/lease-records.ts'
import type { RentBook } from '../leases/rent-book.ts'
import { escrowExpiryMs } from '../leases/rent-lease.ts'
import type { Service } from '../service.ts'

/** Looks after the money of leases that are over: what the miner did not claim in time is taken back. */
export const settle = ({ renting: book }: { readonly renting: RentBook }): Service => ({
  name: 'settle',
  async start(signal) {
    void every(minutesMs(10), { signal, log: book.log, name: 'settle' }, () => settleAll(book))
  },
})

/** Brings the record of every escrow that is not known to be closed up to what the ledger says. */
export async function settleAll(book: RentBook): Promise<void> {
  for (const lease of await book.records.all()) {
    if (!isOver(lease) || lease.escrow === 'none' || lease.escrow === 'closed') continue
    try {
      await settleOne(book, lease)
    } catch (error) {
      book.log.warn('escrow-waits', { lease: hexOf(lease.leaseId), code: codeOf(error) })
    }
  }
}

async function settleOne(book: RentBook, lease: RentedLease): Promise<void> {
  const { rail } = book
  if (rail === undefined) return
  const { terms, id } = book.view(lease)
  let escrow = await rail.escrow.inspect(lease.leaseId)
  if (escrow === undefined) return store(book, { ...lease, escrow: 'none', settled: '0' })
  if (escrow.state !== 'closed') {
    if (book.nowMs() <= escrowExpiryMs(terms)) return
    escrow = await rail.escrow.reclaim(lease.leaseId)
  }
  const settled = escrow.claimed.toString()
  await store(book, { ...lease, escrow: 'closed', settled })
  book.events.emit('lease-settled', { id, amount: settled, asset: terms.asset })
}

async function store(book: RentBook, lease: RentedLease): Promise<void> {
  await book.records.put(lease)
  await book.spending.note(lease, book.view(lease).terms)
}

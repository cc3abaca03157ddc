import { codeOf } from '../../errors.ts'
import { keyOfPeerId } from '../../protocols/peer-key.ts'
import type { HostBook } from './host-book.ts'
import { hexOf } from './lease-records.ts'

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/**
 * Closes the escrow that a renter locked for a lease which this miner does not know, so that all of it goes back: the miner
 * signs on the ledger that it claims nothing. Only its renter can bring that about. Never rejects: the renter can take its
 * money back later without it.
 */
export async function giveDepositBack(
  { rail, key, locks, events, log }: HostBook,
  leaseId: Uint8Array,
  renter: string,
): Promise<void> {
  if (rail === undefined) return
  const id = hexOf(leaseId)
  try {
    // One at a time: whoever makes up leases does not make this node flood its ledger.
    await locks.run('deposits of unknown leases', async () => {
      const escrow = await rail.escrow.inspect(leaseId)
      if (escrow?.state !== 'open') return
      if (!same(escrow.miner, key.publicKey)) return
      if (!same(escrow.renter, keyOfPeerId(renter))) return
      await rail.escrow.settle(leaseId, undefined)
      events.emit('deposit-given-back', { id, renter })
    })
  } catch (error) {
    log.warn('deposit-not-given-back', { lease: id, code: codeOf(error) })
  }
}

import { codeOf } from '../../errors.ts'
import { leaseProtocol } from '../../protocols/lease.ts'
import { hexOf } from './lease-records.ts'
import type { RentBook } from './rent-book.ts'

/**
 * Asks a miner where a lease stands that is over here while its money is still locked: a miner that does not know it closes
 * the escrow, and all comes back at once. Never rejects: who is silent is asked again, and 48 h after the agreed end the
 * money needs no miner.
 */
export async function askDepositBack(
  { rpc, log }: Pick<RentBook, 'rpc' | 'log'>,
  miner: string,
  leaseId: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  try {
    await rpc.ask(leaseProtocol, miner, { kind: 'status', leaseId }, signal)
  } catch (error) {
    log.info('deposit-asked-back', { lease: hexOf(leaseId), code: codeOf(error) })
  }
}

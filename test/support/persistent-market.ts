import type { EscrowRail } from '../../src/chain/payment-rail.ts'
import type { NodeError } from '../../src/errors.ts'
import type { HostOptions } from '../../src/node/leases/host-book.ts'
import type { RecordKey } from '../../src/protocols/seal.ts'
import { FakeEngine } from './fake-engine.ts'
import { FakeLedger } from './fake-ledger.ts'
import { freshKey, startMiner, startRenter, type TestMiner, tempFolder } from './lease-market.ts'

/** What the renter of such a market has. */
export const GRANT = 10_000_000n

/**
 * A market whose miner and renter can be started again in their folders: `other` is what stands for the miner's engine
 * then, `broken` replaces what the renter's escrow does.
 */
export async function persistentMarket(book: Partial<HostOptions> = {}) {
  const [engine, ledger] = [new FakeEngine(), new FakeLedger()]
  const [minerKey, renterKey] = [freshKey(), freshKey()]
  const [minerFolder, renterFolder] = [await tempFolder(), await tempFolder()]
  ledger.grant(renterKey, GRANT)
  const miner = (other?: NodeError) =>
    startMiner({
      ...{ key: minerKey, ledger, folder: minerFolder, endOnStop: false, book },
      engine: other ?? engine,
    })
  const renter = (miners: TestMiner[], broken: Partial<EscrowRail> = {}) => {
    const railOf = (key: RecordKey) => {
      const rail = ledger.railOf(key)
      return { ...rail, escrow: { ...rail.escrow, ...broken } }
    }
    return startRenter({ key: renterKey, ledger: { railOf }, miners, folder: renterFolder })
  }
  return { engine, ledger, miner, renter, renterKey }
}

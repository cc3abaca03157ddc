import { hash } from 'node:crypto'
import { roundAt } from '../../beacon.ts'
import { fromHex, toHex } from '../hex.ts'
import { awaitedRounds, lastStoredRound } from './calls/timelocked.ts'
import type { PulseSource } from './pulses.ts'
import type { Storage } from './storage.ts'

const PALLET = 'drand'

/** Pulses that one block stores; each unknown one costs a signature of about 10 ms. */
const MAX_STEPS = 8
/** Pulses that stay in storage; the real chain keeps a week of them. */
const KEPT = 10_000

/**
 * The rounds a block stores: all since the last stored one, as its offchain workers would bring them. After a long stop
 * only the newest, and those for which commits wait.
 */
export function roundsToStore(last: number, newest: number, awaited: readonly number[]): number[] {
  const from = Math.max(1, last + 1, newest - MAX_STEPS + 1)
  const missed = awaited.filter((round) => round > last && round < from)
  const recent = Array.from({ length: Math.max(0, newest - from + 1) }, (_, i) => from + i)
  return [...new Set(missed)].sort((a, b) => a - b).concat(recent)
}

/**
 * Stores the pulses whose time has come by the block's own time, without a transaction. It runs after what begins a
 * block, as a real chain's pulses come in its transactions: they open commits from the next block on.
 */
export function storePulses(storage: Storage, source: PulseSource, timeMs: number): void {
  if (!storage.runtime.has(PALLET, 'lastStoredRound')) return
  const last = lastStoredRound(storage)
  const newest = roundAt(source.beacon, timeMs)
  if (newest <= last) return
  const awaited = newest - last > MAX_STEPS ? awaitedRounds(storage) : []
  const rounds = roundsToStore(last, newest, awaited)
  for (const round of rounds) {
    const { signature } = source.pulse(round)
    const randomness = toHex(hash('sha256', fromHex(signature, 48)!, 'buffer'))
    storage.put(PALLET, 'pulses', [round], { round, randomness, signature })
  }
  storage.put(PALLET, 'lastStoredRound', [], newest)
  if (last === 0) begin(storage, source, rounds[0]!)
  else prune(storage, newest)
}

/** The beacon's key and clock, as clients read them; in whole seconds, so no period where it is a fraction of one. */
function begin(storage: Storage, { beacon }: PulseSource, oldest: number): void {
  const { publicKey, periodMs, genesisMs } = beacon
  storage.put(PALLET, 'oldestStoredRound', [], oldest)
  storage.put(PALLET, 'beaconConfig', [], {
    publicKey: toHex(publicKey),
    period: periodMs % 1000 === 0 ? periodMs / 1000 : 0,
    genesisTime: Math.floor(genesisMs / 1000),
  })
}

function prune(storage: Storage, newest: number): void {
  const oldest = storage.number(PALLET, 'oldestStoredRound')
  const keep = newest - KEPT + 1
  if (oldest >= keep) return
  for (let round = oldest; round < Math.min(keep, oldest + 2 * MAX_STEPS); round++)
    storage.put(PALLET, 'pulses', [round], null)
  storage.put(PALLET, 'oldestStoredRound', [], Math.min(keep, oldest + 2 * MAX_STEPS))
}

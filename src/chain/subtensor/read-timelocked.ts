import type { ApiPromise } from '@polkadot/api'
import { timeOf } from '../../beacon.ts'
import type { BlockRef } from '../block-ref.ts'
import type { TimelockedCommit } from '../chain-weights.ts'
import { fromHex, toHex } from '../hex.ts'
import type { Epoch } from '../metagraph.ts'
import { blake2 } from '../scale.ts'
import { MAX_TIMELOCKED_BYTES } from '../timelock.ts'
import { maybe, numberOf } from './entries.ts'
import { readEpoch } from './read-epoch.ts'
import { type PulseClock, readPulseClock } from './read-pulse-clock.ts'

/** As the chain stores it, by epoch. */
type Stored = readonly [who: string, block: number, sealed: string, round: number]

/** Everybody's timelocked weights that stand on chain at a block, in order of epoch; none where the runtime has none. */
export async function readTimelocked(
  api: ApiPromise,
  netuid: number,
  block: BlockRef,
): Promise<readonly TimelockedCommit[]> {
  const at = await api.at(block.hash)
  const entries = await maybe(at, 'timelockedWeightCommits')?.entries(netuid)
  if (entries === undefined || entries.length === 0) return []
  const [epoch, clock, period] = await Promise.all([
    readEpoch(api, netuid, block),
    readPulseClock(api, block),
    maybe(at, 'revealPeriodEpochs')!(netuid).then(numberOf),
  ])
  const now = { epoch, clock, period, block: block.number }
  return entries
    .flatMap(([key, value]) =>
      (value.toJSON() as unknown as Stored[]).map((one) =>
        timelockedOf(one, numberOf(key.args[1]!), now),
      ),
    )
    .sort((a, b) => a.epoch - b.epoch || a.block - b.block)
}

interface Now {
  readonly epoch: Epoch
  readonly block: number
  readonly period: number
  readonly clock: PulseClock | undefined
}

/** A stored commit with when it is to open: in the epoch of its reveal, and in the block after its pulse's own. */
export function timelockedOf(
  [hotkey, committed, sealed, round]: Stored,
  made: number,
  { epoch, block, period, clock }: Now,
): TimelockedCommit {
  const ahead = made + period - epoch.index
  const closesAt = epoch.next + ahead * epoch.tempo
  const starts = closesAt - epoch.tempo
  return {
    hotkey,
    hash: toHex(blake2(fromHex(sealed, MAX_TIMELOCKED_BYTES) ?? new Uint8Array())),
    round: Number(round),
    block: committed,
    epoch: made,
    state: ahead > 0 ? 'early' : ahead < 0 ? 'expired' : 'open',
    opensAt: Math.max(starts, block + 1, clock === undefined ? 0 : opening(clock, round, block)),
    closesAt,
  }
}

/** The block after the one that stores a round's pulse. */
function opening(
  { beacon, lastStoredRound, nowMs, blockMs }: PulseClock,
  round: number,
  block: number,
) {
  if (round <= lastStoredRound) return block + 1
  return block + Math.max(1, Math.ceil((timeOf(beacon, round) - nowMs) / blockMs)) + 1
}

import type { ApiPromise } from '@polkadot/api'
import type { BeaconInfo } from '../../beacon.ts'
import type { BlockRef } from '../block-ref.ts'
import { fromHex } from '../hex.ts'
import { numberOf } from './entries.ts'
import { blockRef } from './past-blocks.ts'

/** How a chain's blocks and its beacon's rounds go, by its own clock. */
export interface PulseClock {
  readonly beacon: BeaconInfo
  /** The newest round whose pulse the chain has. */
  readonly lastStoredRound: number
  /** When the block was made, Unix ms. */
  readonly nowMs: number
  /** Between two blocks, as the last ones came: a stop of the chain among them counts for nothing. */
  readonly blockMs: number
}

/**
 * Blocks over which their pace is measured, twice: the faster counts. A pulse that comes too early opens weights as their
 * epoch starts, one that comes too late never does. Nodes keep the storage of 256 blocks.
 */
const PACE_BLOCKS = 25

/**
 * Reads the beacon that a chain follows, and the pace of its blocks. Undefined where it follows none that weights can be
 * timelocked to: no drand pallet, no pulse yet, a period that is no number of whole seconds.
 */
export async function readPulseClock(
  api: ApiPromise,
  block: BlockRef,
): Promise<PulseClock | undefined> {
  const at = await api.at(block.hash)
  const drand = at.query['drand']
  if (drand?.['beaconConfig'] === undefined || block.number < 2) return undefined
  const [config, last, nowMs, blockMs] = await Promise.all([
    drand['beaconConfig'](),
    drand['lastStoredRound']!(),
    timeAt(api, block),
    paceAt(api, block),
  ])
  const { publicKey, period, genesisTime } = config.toJSON() as Readonly<Record<string, unknown>>
  const key = fromHex(publicKey, 96)
  const lastStoredRound = numberOf(last)
  if (key?.length !== 96 || Number(period) < 1 || lastStoredRound < 1) return undefined
  return {
    beacon: {
      name: 'drand',
      publicKey: key,
      periodMs: Number(period) * 1000,
      genesisMs: Number(genesisTime) * 1000,
    },
    lastStoredRound,
    nowMs,
    blockMs,
  }
}

async function paceAt(api: ApiPromise, block: BlockRef): Promise<number> {
  const past = (blocks: number): Promise<BlockRef> =>
    blockRef(api, Math.max(1, block.number - blocks))
  const refs = [block, await past(PACE_BLOCKS), await past(2 * PACE_BLOCKS)]
  const times = await Promise.all(refs.map((one) => timeAt(api, one)))
  const paces = [0, 1]
    .filter((at) => refs[at]!.number > refs[at + 1]!.number)
    .map((at) => (times[at]! - times[at + 1]!) / (refs[at]!.number - refs[at + 1]!.number))
  return Math.max(1, Math.min(...paces))
}

async function timeAt(api: ApiPromise, { hash }: BlockRef): Promise<number> {
  const { query } = await api.at(hash)
  return numberOf(await query['timestamp']!['now']!())
}

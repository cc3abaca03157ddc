import { type BeaconInfo, roundAt, timeOf } from '../beacon.ts'
import type { WeightRow } from './chain-weights.ts'
import type { Epoch } from './metagraph.ts'
import { compact, u16s, u64 } from './scale.ts'

/** Blocks after an epoch's start at which its pulse should be there: the first may still run without it. */
const BLOCKS_INTO_EPOCH = 3

/** Blocks before the next epoch by which its pulse must be there: one stores it, the one after that opens. */
const BLOCKS_TO_OPEN = 2

/** SCALE of `WeightsTlockPayload { hotkey, uids, values, version_key }`: what a timelocked commit hides. */
export function timelockPayload(
  hotkey: Uint8Array,
  row: WeightRow,
  versionKey: number,
): Uint8Array {
  const list = (numbers: readonly number[]) => [compact(numbers.length), u16s(numbers)]
  return Buffer.concat([
    compact(hotkey.length),
    hotkey,
    ...list(row.map(([uid]) => uid)),
    ...list(row.map(([, value]) => value)),
    u64(versionKey),
  ])
}

/** What a target round follows from; all as the chain itself tells it at one block. */
export interface RevealTiming {
  readonly epoch: Epoch
  /** Epochs from the commit to its reveal, at least 1. */
  readonly revealPeriod: number
  /** The block now, and its time in unix ms. */
  readonly block: number
  readonly nowMs: number
  readonly blockMs: number
}

/**
 * The block at which a commit made in the next block should open: shortly after the start of the epoch that reveals it.
 * Counted from where the runtime says that the next epoch starts; a commit that comes too late for this epoch belongs
 * to the next one, and opens one later (notes/chain.md §3).
 */
export function revealBlock({ epoch, revealPeriod, block }: RevealTiming): number {
  const late = block + 1 >= epoch.next ? 1 : 0
  const start = epoch.next + (revealPeriod - 1 + late) * epoch.tempo
  return start + Math.min(BLOCKS_INTO_EPOCH, Math.max(0, epoch.tempo - 1))
}

/**
 * The round a commit is encrypted to: the newest one when its reveal block comes, by how long blocks take, and later
 * than every round the chain has stored (else InvalidRevealRound). Undefined when that round would only come after the
 * reveal epoch: the chain would drop the commit silently, so hash it or wait instead.
 */
export function revealRound(
  beacon: BeaconInfo,
  timing: RevealTiming,
  lastStoredRound: number,
): number | undefined {
  const { epoch, block, nowMs, blockMs } = timing
  const target = revealBlock(timing)
  const at = roundAt(beacon, nowMs + (target - block) * blockMs)
  const round = Math.max(1, at, lastStoredRound + 1)
  const start = target - Math.min(BLOCKS_INTO_EPOCH, Math.max(0, epoch.tempo - 1))
  const lastBlock = start + Math.max(0, epoch.tempo - BLOCKS_TO_OPEN)
  return timeOf(beacon, round) <= nowMs + (lastBlock - block) * blockMs ? round : undefined
}

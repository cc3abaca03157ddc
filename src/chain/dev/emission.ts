import type { NeuronOutcome } from '../yuma/state.ts'
import { moveAlphaOut, putStake, shareOut } from './calls/stake.ts'
import type { Storage } from './storage.ts'

const MODULE = 'subtensorModule'

/** The alpha of the blocks since the last epoch. Base units. */
export interface Pending {
  /** The subnet owner's part. */
  readonly cut: bigint
  /** What neurons share. */
  readonly shared: bigint
}

/** Where it went; the three add up to all that was pending. Base units. */
export interface Paid {
  /** Onto hotkeys, as somebody's stake. */
  readonly staked: bigint
  /** What the owner's hotkeys won as miners: issued, and nobody's. */
  readonly burned: bigint
  /** What rounding left, and what there was nobody for: not issued, as if it had never been emitted. */
  readonly recycled: bigint
}

/** Undefined where nothing is written, which the runtime reads as the zero account. */
const addressIn = (storage: Storage, name: string, key: unknown): string | undefined => {
  const found = storage.codec(MODULE, name, key)
  return found === null || found.isEmpty ? undefined : String(found.toJSON())
}

/**
 * Adds an epoch's alpha to stakes as the runtime's `distribute_dividends_and_incentives` does: the cut to the subnet
 * owner on its hotkey; a miner's part to the owner of its hotkey, but burned where that is the subnet's owner; of a
 * validator's part its take to the owner of its hotkey, and the rest to all who staked there, by their shares.
 * Parent hotkeys and stake of the root subnet get nothing here: there are none.
 */
export function payOut(
  storage: Storage,
  netuid: number,
  outcomes: readonly NeuronOutcome[],
  { cut, shared }: Pending,
): Paid {
  const owner = addressIn(storage, 'subnetOwner', netuid)
  const ownerHotkey = addressIn(storage, 'subnetOwnerHotkey', netuid)
  let [staked, burned] = [0n, 0n]
  if (owner !== undefined && ownerHotkey !== undefined) {
    putStake(storage, netuid, ownerHotkey, owner, cut)
    staked += cut
  }
  for (const [uid, { minerEmission, validatorEmission }] of outcomes.entries()) {
    const hotkey = storage.json<string>(MODULE, 'keys', netuid, uid)
    const coldkey = storage.json<string>(MODULE, 'owner', hotkey)
    if (hotkey === ownerHotkey || coldkey === owner) burned += minerEmission
    else {
      putStake(storage, netuid, hotkey, coldkey, minerEmission)
      staked += minerEmission
    }
    payDividends(storage, netuid, hotkey, coldkey, validatorEmission)
    staked += validatorEmission
  }
  moveAlphaOut(storage, netuid, staked + burned)
  return { staked, burned, recycled: cut + shared - staked - burned }
}

function payDividends(
  storage: Storage,
  netuid: number,
  hotkey: string,
  coldkey: string,
  alpha: bigint,
): void {
  const take = (alpha * storage.bigint(MODULE, 'delegates', hotkey)) / 65_535n
  putStake(storage, netuid, hotkey, coldkey, take)
  shareOut(storage, netuid, hotkey, alpha - take)
  if (!storage.runtime.has(MODULE, 'alphaDividendsPerSubnet')) return
  const rest = alpha === take ? null : alpha - take
  storage.put(MODULE, 'alphaDividendsPerSubnet', [netuid, hotkey], rest)
}

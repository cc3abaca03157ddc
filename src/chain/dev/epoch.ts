import { alphaOf, perUid, stakeThreshold } from './calls/subnet.ts'
import type { Storage } from './storage.ts'

const MODULE = 'subtensorModule'

/** Whether a subnet's epoch fires in a block: by counting where the runtime counts, else by number. */
function due(storage: Storage, netuid: number, block: number): boolean {
  const tempo = storage.number(MODULE, 'tempo', netuid)
  if (tempo === 0) return false
  if (!storage.runtime.has(MODULE, 'lastEpochBlock'))
    return (block + netuid + 1) % (tempo + 1) === 0
  return block - storage.number(MODULE, 'lastEpochBlock', netuid) >= tempo
}

/**
 * What an epoch decides from stake alone: permits to the highest stakes, who is active, stake shares. Consensus,
 * incentive, dividends and emission stay zero: this chain does not run Yuma, and invents no result of it.
 */
export function runEpoch(storage: Storage, netuid: number, block: number): void {
  const n = storage.number(MODULE, 'subnetworkN', netuid)
  const hotkeys = Array.from({ length: n }, (_, uid) =>
    storage.json<string>(MODULE, 'keys', netuid, uid),
  )
  const stakes = hotkeys.map((hotkey) => alphaOf(storage, netuid, hotkey))
  const threshold = stakeThreshold(storage)
  const counted = stakes.map((stake) => (stake < threshold ? 0n : stake))
  const seats = storage.number(MODULE, 'maxAllowedValidators', netuid)
  storage.put(MODULE, 'validatorPermit', [netuid], topK(counted, seats))
  storage.put(MODULE, 'stakeWeight', [netuid], shares(counted))
  storage.put(MODULE, 'active', [netuid], activity(storage, netuid, block))
}

/** True for the `k` highest non-zero stakes; the lower uid wins a tie. */
export function topK(stakes: readonly bigint[], k: number): boolean[] {
  const order = stakes
    .map((stake, uid) => ({ stake, uid }))
    .filter(({ stake }) => stake > 0n)
    .sort((a, b) => (a.stake === b.stake ? a.uid - b.uid : a.stake > b.stake ? -1 : 1))
  const chosen = new Set(order.slice(0, k).map(({ uid }) => uid))
  return stakes.map((_, uid) => chosen.has(uid))
}

/** Each stake's part of the whole, of 65535. */
function shares(stakes: readonly bigint[]): number[] {
  const sum = stakes.reduce((a, b) => a + b, 0n)
  return stakes.map((stake) => (sum === 0n ? 0 : Number((stake * 65_535n) / sum)))
}

function activity(storage: Storage, netuid: number, block: number): boolean[] {
  const cutoff = storage.number(MODULE, 'activityCutoff', netuid)
  return perUid<number>(storage, 'lastUpdate', netuid).map((last) => last + cutoff >= block)
}

/** Runs the epochs due in a block and counts the others one step on. */
export function stepEpochs(storage: Storage, netuids: readonly number[], block: number): void {
  for (const netuid of netuids) {
    const fires = due(storage, netuid, block)
    if (fires) runEpoch(storage, netuid, block)
    const since = storage.number(MODULE, 'blocksSinceLastStep', netuid)
    storage.put(MODULE, 'blocksSinceLastStep', [netuid], fires ? 0 : since + 1)
    if (!fires || !storage.runtime.has(MODULE, 'lastEpochBlock')) continue
    storage.put(MODULE, 'lastEpochBlock', [netuid], block)
    const index = storage.number(MODULE, 'subnetEpochIndex', netuid)
    storage.put(MODULE, 'subnetEpochIndex', [netuid], index + 1)
  }
}

import type { Row, YumaNeuron, YumaParameters, YumaState } from '../yuma/state.ts'
import { alphaOf, perUid, stakeThreshold, uidOf } from './calls/subnet.ts'
import { oldestTimelocked } from './calls/timelocked.ts'
import { countsEpochs } from './epoch-clock.ts'
import type { Storage } from './storage.ts'

const MODULE = 'subtensorModule'

/** A subnet as its epoch sees it in this block. What the runtime has no entry for is as newer ones have it by default. */
export function readYumaState(storage: Storage, netuid: number, block: number): YumaState {
  const n = storage.number(MODULE, 'subnetworkN', netuid)
  const uids = Array.from({ length: n }, (_, uid) => uid)
  const rows = (name: string): Row[] =>
    uids.map((uid) => storage.json<[number, number][]>(MODULE, name, netuid, uid))
  return {
    block,
    tempo: storage.number(MODULE, 'tempo', netuid),
    lastEpochBlock: storage.number(MODULE, 'lastMechansimStepBlock', netuid),
    ownerUid: uidOf(storage, netuid, storage.json(MODULE, 'subnetOwnerHotkey', netuid)),
    parameters: readParameters(storage, netuid),
    neurons: readNeurons(storage, netuid, uids, block),
    weights: rows('weights'),
    bonds: rows('bonds'),
  }
}

function readNeurons(
  storage: Storage,
  netuid: number,
  uids: readonly number[],
  block: number,
): YumaNeuron[] {
  const permits = perUid<boolean>(storage, 'validatorPermit', netuid)
  const updates = perUid<number>(storage, 'lastUpdate', netuid)
  const epoch = countsEpochs(storage) ? storage.number(MODULE, 'subnetEpochIndex', netuid) + 1 : 0
  const sealed = oldestTimelocked(storage, netuid, epoch)
  return uids.map((uid) => {
    const hotkey = storage.json<string>(MODULE, 'keys', netuid, uid)
    return {
      stake: alphaOf(storage, netuid, hotkey),
      permit: permits[uid] ?? false,
      lastUpdate: updates[uid] ?? 0,
      registeredAt: storage.number(MODULE, 'blockAtRegistration', netuid, uid),
      committedAt: earlier(oldestCommit(storage, netuid, hotkey, block), sealed.get(hotkey)),
    }
  })
}

function readParameters(storage: Storage, netuid: number): YumaParameters {
  const number = (name: string, otherwise: number): number =>
    storage.runtime.has(MODULE, name) ? storage.number(MODULE, name, netuid) : otherwise
  const isOn = (name: string): boolean =>
    storage.runtime.has(MODULE, name) && storage.json<boolean>(MODULE, name, netuid)
  const [low, high] = storage.json<[number, number]>(MODULE, 'alphaValues', netuid)
  const steepness = number('alphaSigmoidSteepness', 1000)
  return {
    kappa: number('kappa', 32_767),
    bondsPenalty: number('bondsPenalty', 65_535),
    bondsMovingAverage: number('bondsMovingAverage', 900_000),
    yuma3: isOn('yuma3On'),
    liquidAlpha: isOn('liquidAlphaOn') ? { low, high, steepness } : undefined,
    maxValidators: number('maxAllowedValidators', 64),
    stakeThreshold: stakeThreshold(storage),
    activityCutoff: number('activityCutoff', 5000),
    commitReveal: isOn('commitRevealWeightsEnabled'),
  }
}

const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)

/** Spec 218: (hash, block, first and last block of its reveal); spec 424: (hash, epoch, block, 0). */
type Commit = [hash: string, a: number, b: number, c: number]

/** The block of the oldest commit that may still be revealed, now that an epoch begins. */
function oldestCommit(
  storage: Storage,
  netuid: number,
  hotkey: string,
  block: number,
): number | undefined {
  const commits = storage.json<Commit[] | null>(MODULE, 'weightCommits', netuid, hotkey) ?? []
  if (!countsEpochs(storage)) return commits.find(([, , , last]) => block <= last)?.[1]
  const epoch = storage.number(MODULE, 'subnetEpochIndex', netuid) + 1
  const period = storage.number(MODULE, 'revealPeriodEpochs', netuid)
  return commits.find(([, committed]) => epoch <= committed + period)?.[2]
}

import type { ApiPromise } from '@polkadot/api'
import type { Codec } from '@polkadot/types/types'
import { NodeError } from '../../errors.ts'
import type { BlockRef, CommitWindow, WeightRules, WeightsWay } from '../chain.ts'
import { type StoredCommit, windowOf } from '../commit-window.ts'
import { featuresOf } from './features.ts'
import { readEpoch } from './read-epoch.ts'

/** Whether this program may use timelocks here: it knows the beacon, and the runtime and subnet want them. */
export interface RulesOptions {
  readonly timelock: boolean
}

/** Everything that decides on one hotkey's weights, at one block hash. */
export async function readWeightRules(
  api: ApiPromise,
  netuid: number,
  hotkey: string,
  block: BlockRef,
  { timelock }: RulesOptions,
): Promise<WeightRules> {
  const features = featuresOf(api)
  const at = await api.at(block.hash)
  const get = (name: string, ...keys: unknown[]): Promise<Codec> => {
    const entry = at.query['subtensorModule']?.[name]
    if (entry === undefined)
      throw new NodeError('CHAIN_UNSUPPORTED', `this runtime has no storage ${name}`)
    return entry(...keys)
  }
  const number = async (name: string): Promise<number> => Number(await get(name, netuid))
  const threshold = features.stakeThreshold ? 'stakeThreshold' : 'weightsMinStake'
  const [epoch, uid, alpha, least, hidden, owner, commits] = await Promise.all([
    readEpoch(api, netuid, block),
    get('uids', netuid, hotkey),
    get('totalHotkeyAlpha', hotkey, netuid),
    get(threshold),
    get('commitRevealWeightsEnabled', netuid),
    get('subnetOwnerHotkey', netuid),
    readCommitWindows(api, netuid, hotkey, block),
  ])
  const own = uid.isEmpty ? undefined : Number(uid.toString())
  const mine = async (name: string): Promise<unknown> =>
    own === undefined ? undefined : ((await get(name, netuid)).toJSON() as unknown[])[own]
  const [permit, lastUpdate, share] = await Promise.all(
    ['validatorPermit', 'lastUpdate', 'stakeWeight'].map(mine),
  )
  const [stake, stakeThreshold] = [BigInt(alpha.toString()), BigInt(least.toString())]
  // Stake of parents and of the root subnet counts too; the chain's own sum of the last epoch tells of it.
  const counted = stake >= stakeThreshold || Number(share ?? 0) > 0
  const owns = features.stakeThreshold && owner.toString() === hotkey
  const [neurons, minWeights, maxWeight, versionKey, rateLimit, revealPeriod] = await Promise.all(
    [
      'subnetworkN',
      'minAllowedWeights',
      'maxWeightsLimit',
      'weightsVersionKey',
      'weightsSetRateLimit',
      'revealPeriodEpochs',
    ].map(number),
  )
  return {
    block,
    epoch,
    neurons: neurons!,
    minWeights: minWeights!,
    // A constant since the runtime renamed its threshold; what is stored there is not looked at.
    maxWeight: features.stakeThreshold ? 65_535 : maxWeight!,
    uid: own,
    permit: permit === true,
    stakeSuffices: counted || owns,
    stake,
    stakeThreshold,
    lastUpdate: Number(lastUpdate ?? 0),
    rateLimit: rateLimit!,
    versionKey: versionKey!,
    way: wayOf(hidden.toJSON() === true, features.timelock && timelock),
    revealPeriod: revealPeriod!,
    unrevealed: commits.filter(({ state }) => state !== 'expired').length,
  }
}

const wayOf = (hidden: boolean, timelock: boolean): WeightsWay => {
  if (!hidden) return 'direct'
  return timelock ? 'timelock' : 'hash'
}

/** The hash commits of one hotkey that stand on chain, and when each may be revealed. */
export async function readCommitWindows(
  api: ApiPromise,
  netuid: number,
  hotkey: string,
  block: BlockRef,
): Promise<readonly CommitWindow[]> {
  const at = await api.at(block.hash)
  const module = at.query['subtensorModule']!
  const [stored, period, epoch] = await Promise.all([
    module['weightCommits']!(netuid, hotkey),
    module['revealPeriodEpochs']!(netuid),
    readEpoch(api, netuid, block),
  ])
  const commits = (stored.toJSON() as StoredCommit[] | null) ?? []
  const { statefulEpochs } = featuresOf(api)
  const now = { epoch, block: block.number, revealPeriod: Number(period), statefulEpochs }
  return commits.map((commit) => windowOf(commit, now))
}

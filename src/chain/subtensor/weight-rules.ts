import type { ApiPromise } from '@polkadot/api'
import type { Codec } from '@polkadot/types/types'
import { NodeError } from '../../errors.ts'
import type { BlockRef } from '../block-ref.ts'
import type { CommitWindow, WeightRules, WeightsWay } from '../chain-weights.ts'
import { type StoredCommit, windowOf } from '../commit-window.ts'
import { featuresOf } from './features.ts'
import { readEpoch } from './read-epoch.ts'
import { readPulseClock } from './read-pulse-clock.ts'
import { readTimelocked } from './read-timelocked.ts'

/** The version of timelocked weights that `timelockPayload` writes. */
export const TIMELOCK_VERSION = 4

/** Everything that decides on one hotkey's weights, at one block hash. */
export async function readWeightRules(
  api: ApiPromise,
  netuid: number,
  hotkey: string,
  block: BlockRef,
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
  const way = await wayOf(api, block, hidden.toJSON() === true)
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
    way,
    revealPeriod: revealPeriod!,
    unrevealed:
      way === 'timelock'
        ? (await readTimelocked(api, netuid, block)).filter(
            (one) => one.hotkey === hotkey && one.epoch === epoch.index,
          ).length
        : commits.filter(({ state }) => state !== 'expired').length,
  }
}

/** Hidden weights are timelocked where the runtime takes our version of them and tells of its beacon, else hashed. */
async function wayOf(api: ApiPromise, block: BlockRef, hidden: boolean): Promise<WeightsWay> {
  if (!hidden) return 'direct'
  if (!featuresOf(api).timelock) return 'hash'
  const { query } = await api.at(block.hash)
  const version = await query['subtensorModule']!['commitRevealWeightsVersion']!()
  if (Number(version.toString()) !== TIMELOCK_VERSION) return 'hash'
  return (await readPulseClock(api, block)) === undefined ? 'hash' : 'timelock'
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

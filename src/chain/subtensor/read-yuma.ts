import type { ApiPromise } from '@polkadot/api'
import type { BlockRef } from '../block-ref.ts'
import type { WeightRow } from '../chain-weights.ts'
import type { Metagraph, YumaReading } from '../metagraph.ts'
import type { YumaNeuron, YumaParameters } from '../yuma/state.ts'
import { type At, bigintOf, maybe, numberOf, subtensor } from './entries.ts'
import { readCommits } from './read-commits.ts'
import { readStakes } from './read-stakes.ts'
import { SubnetReader } from './read-subnet.ts'

async function numberFrom(at: At, name: string, netuid: number, otherwise: number) {
  const entry = maybe(at, name)
  return entry === undefined ? otherwise : numberOf(await entry(netuid))
}

async function isOn(at: At, name: string, netuid: number): Promise<boolean> {
  const entry = maybe(at, name)
  return entry !== undefined && (await entry(netuid)).toJSON() === true
}

/**
 * All that the next epoch of a subnet's mechanism 0 depends on, as if it ran at its due block with what stands at
 * `block`. CHAIN_NO_SUBNET when there is no such subnet.
 */
export async function readYuma(
  api: ApiPromise,
  netuid: number,
  block: BlockRef,
): Promise<YumaReading> {
  const { metagraph, epoch } = await new SubnetReader(api).read(netuid, block)
  const at = await api.at(block.hash)
  const n = metagraph.neurons.length
  const parameters = await readParameters(at, netuid, epoch.tempo, metagraph.activityCutoff)
  const [neurons, weights, bonds] = await Promise.all([
    readNeurons(at, metagraph, epoch.index + 1),
    rowsOf(at, 'weights', netuid, n),
    rowsOf(at, 'bonds', netuid, n),
  ])
  const lastEpochBlock = numberOf(await subtensor(at, 'lastMechansimStepBlock')(netuid))
  const state = {
    block: Math.max(epoch.next, block.number + 1),
    tempo: epoch.tempo,
    lastEpochBlock,
    ownerUid: metagraph.ownerUid,
    parameters,
    neurons,
    weights,
    bonds,
  }
  const emission = await emissionPerEpoch(at, netuid, epoch.tempo)
  return { block, hotkeys: metagraph.neurons.map(({ hotkey }) => hotkey), state, emission }
}

/** Newer runtimes count the cutoff in thousandths of a tempo. */
async function cutoffOf(at: At, netuid: number, tempo: number, blocks: number): Promise<number> {
  const milli = await numberFrom(at, 'activityCutoffFactorMilli', netuid, 0)
  return milli === 0 ? blocks : Math.max(1, Math.floor((milli * tempo) / 1000))
}

async function readParameters(
  at: At,
  netuid: number,
  tempo: number,
  cutoffBlocks: number,
): Promise<YumaParameters> {
  const threshold = maybe(at, 'stakeThreshold') ?? subtensor(at, 'weightsMinStake')
  const [low, high] = (await subtensor(at, 'alphaValues')(netuid)).toJSON() as [number, number]
  const steepness = await numberFrom(at, 'alphaSigmoidSteepness', netuid, 1000)
  const liquid = await isOn(at, 'liquidAlphaOn', netuid)
  return {
    kappa: await numberFrom(at, 'kappa', netuid, 32_767),
    bondsPenalty: await numberFrom(at, 'bondsPenalty', netuid, 65_535),
    bondsMovingAverage: await numberFrom(at, 'bondsMovingAverage', netuid, 900_000),
    yuma3: await isOn(at, 'yuma3On', netuid),
    liquidAlpha: liquid ? { low, high, steepness } : undefined,
    maxValidators: await numberFrom(at, 'maxAllowedValidators', netuid, 64),
    stakeThreshold: bigintOf(await threshold()),
    activityCutoff: await cutoffOf(at, netuid, tempo, cutoffBlocks),
    commitReveal: await isOn(at, 'commitRevealWeightsEnabled', netuid),
  }
}

async function readNeurons(at: At, metagraph: Metagraph, epoch: number): Promise<YumaNeuron[]> {
  const { netuid } = metagraph
  const hotkeys = metagraph.neurons.map(({ hotkey }) => hotkey)
  const [stakes, commits] = await Promise.all([
    readStakes(at, netuid, hotkeys),
    readCommits(at, netuid, hotkeys, epoch, metagraph.block.number),
  ])
  return metagraph.neurons.map(({ validatorPermit, lastUpdate, registeredAt }, uid) => ({
    stake: stakes[uid]!,
    permit: validatorPermit,
    lastUpdate,
    registeredAt,
    committedAt: commits[uid],
  }))
}

async function rowsOf(at: At, name: string, netuid: number, n: number): Promise<WeightRow[]> {
  const rows: WeightRow[] = Array.from({ length: n }, () => [])
  for (const [key, row] of await subtensor(at, name).entries(netuid)) {
    const uid = numberOf(key.args[1]!)
    if (uid < n) rows[uid] = row.toJSON() as unknown as [number, number][]
  }
  return rows
}

/** One alpha in a block, where the runtime does not say; a subnet's first rate. */
const ALPHA_PER_BLOCK = 1_000_000_000n

/** Base units of alpha that an epoch shares out: what the subnet emits in a tempo, less its owner's cut. */
async function emissionPerEpoch(at: At, netuid: number, tempo: number): Promise<bigint> {
  const rate = maybe(at, 'subnetAlphaOutEmission')
  const perBlock = rate === undefined ? ALPHA_PER_BLOCK : bigintOf(await rate(netuid))
  const isCut =
    maybe(at, 'ownerCutEnabled') === undefined || (await isOn(at, 'ownerCutEnabled', netuid))
  const part = isCut ? bigintOf(await subtensor(at, 'subnetOwnerCut')()) : 0n
  return BigInt(tempo) * (perBlock - (perBlock * part) / 65_535n)
}

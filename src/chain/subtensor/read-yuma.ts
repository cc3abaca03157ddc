import type { ApiPromise } from '@polkadot/api'
import type { ApiDecoration } from '@polkadot/api/types'
import type { Codec } from '@polkadot/types/types'
import type { BlockRef, Metagraph, WeightRow, YumaReading } from '../chain.ts'
import { countedStake, type Heritage, type Holding } from '../yuma/inherited-stake.ts'
import type { YumaNeuron, YumaParameters } from '../yuma/state.ts'
import { readEpoch, readMetagraph } from './reads.ts'

type At = ApiDecoration<'promise'>

/** An entry that not every runtime has. */
const maybe = (at: At, name: string) => at.query['subtensorModule']?.[name]
const subtensor = (at: At, name: string) => at.query['subtensorModule']![name]!
const numberOf = (value: Codec): number => Number(value.toString())
const bigintOf = (value: Codec): bigint => BigInt(value.toString())

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
  const metagraph = await readMetagraph(api, netuid, block)
  const epoch = await readEpoch(api, netuid, block)
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

type Share = readonly [share: string | number, hotkey: string]

/** The stake that counts, with what child and parent hotkeys give and take. */
async function readStakes(at: At, netuid: number, hotkeys: readonly string[]): Promise<bigint[]> {
  const pairs = hotkeys.map((hotkey) => [hotkey, netuid])
  const [children, parents] = await Promise.all(
    ['childKeys', 'parentKeys'].map(async (name) =>
      (await subtensor(at, name).multi(pairs)).map((list) => list.toJSON() as unknown as Share[]),
    ),
  )
  const holders = [...new Set([...hotkeys, ...parents!.flat().map(([, hotkey]) => hotkey)])]
  const holdings = await readHoldings(at, netuid, holders)
  const weight = maybe(at, 'taoWeight')
  // Spec 218 keeps it per subnet, and counts no TAO that this reading could know of.
  const taoWeight = weight?.creator.meta.type.isPlain ? bigintOf(await weight()) : 0n
  return hotkeys.map((hotkey, uid) => {
    const heritage: Heritage = {
      ...holdings.get(hotkey)!,
      children: children![uid]!.map(([share]) => BigInt(share)),
      parents: parents![uid]!.map(([share, parent]) => ({
        ...holdings.get(parent)!,
        share: BigInt(share),
      })),
    }
    return countedStake(heritage, taoWeight)
  })
}

const ROOT = 0

async function readHoldings(
  at: At,
  netuid: number,
  hotkeys: readonly string[],
): Promise<Map<string, Holding>> {
  const of = (subnet: number) =>
    subtensor(at, 'totalHotkeyAlpha').multi(hotkeys.map((hotkey) => [hotkey, subnet]))
  const [alphas, taos] = await Promise.all([of(netuid), of(ROOT)])
  return new Map(
    hotkeys.map((hotkey, i) => [
      hotkey,
      { alpha: bigintOf(alphas[i]!), rootTao: bigintOf(taos[i]!) },
    ]),
  )
}

/** Spec 218: (hash, block, first and last block of its reveal); spec 424: (hash, epoch, block, 0). */
type Commit = readonly [hash: string, a: number, b: number, c: number]

/** Per uid, the block of the oldest hash commit that may still be revealed when epoch number `epoch` begins. */
async function readCommits(
  at: At,
  netuid: number,
  hotkeys: readonly string[],
  epoch: number,
  block: number,
): Promise<(number | undefined)[]> {
  const lists = await subtensor(at, 'weightCommits').multi(
    hotkeys.map((hotkey) => [netuid, hotkey]),
  )
  const commits = lists.map((list) => (list.toJSON() as unknown as Commit[] | null) ?? [])
  if (maybe(at, 'subnetEpochIndex') === undefined)
    return commits.map((list) => list.find(([, , , last]) => block <= last)?.[1])
  const period = numberOf(await subtensor(at, 'revealPeriodEpochs')(netuid))
  const timelocked = await readTimelocked(at, netuid, epoch - period)
  return commits.map((list, uid) => {
    const hashed = list.find(([, committed]) => epoch <= committed + period)?.[2]
    const sealed = timelocked.get(hotkeys[uid]!)
    if (hashed === undefined || sealed === undefined) return hashed ?? sealed
    return Math.min(hashed, sealed)
  })
}

/** By hotkey, the block of the oldest timelocked commit since an epoch. */
async function readTimelocked(at: At, netuid: number, since: number): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  const entries = await maybe(at, 'timelockedWeightCommits')?.entries(netuid)
  for (const [key, value] of entries ?? []) {
    if (numberOf(key.args[1]!) < since) continue
    for (const [who, block] of value.toJSON() as unknown as [string, number][])
      found.set(who, Math.min(block, found.get(who) ?? Number.POSITIVE_INFINITY))
  }
  return found
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

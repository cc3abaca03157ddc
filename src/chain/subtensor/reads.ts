import type { ApiPromise } from '@polkadot/api'
import type { ApiDecoration } from '@polkadot/api/types'
import type { Codec, IEnum, ITuple } from '@polkadot/types/types'
import { NodeError } from '../../errors.ts'
import type { BlockRef, Commitment, Epoch, Metagraph, Neuron, WeightRow } from '../chain.ts'
import { decodeAddress } from '../ss58.ts'

type At = ApiDecoration<'promise'>

/** A storage entry; absent ones mean a runtime this program does not know. */
function entry(at: At, section: string, name: string) {
  const found = at.query[section]?.[name]
  if (found === undefined)
    throw new NodeError('CHAIN_UNSUPPORTED', `this runtime has no storage ${section}.${name}`)
  return found
}

const subtensor = (at: At, name: string) => entry(at, 'subtensorModule', name)
const numberOf = (value: Codec): number => Number(value.toString())
const listOf = (value: Codec): Codec[] => [...(value as unknown as Iterable<Codec>)]

/** The newest final block. */
export async function finalizedHead(api: ApiPromise): Promise<BlockRef> {
  const hash = await api.rpc.chain.getFinalizedHead()
  const header = await api.rpc.chain.getHeader(hash)
  return { number: header.number.toNumber(), hash: hash.toHex() }
}

/** A subnet's neurons at one block hash; CHAIN_NO_SUBNET when there is no such subnet. */
export async function readMetagraph(
  api: ApiPromise,
  netuid: number,
  block: BlockRef,
): Promise<Metagraph> {
  const at = await api.at(block.hash)
  const exists = await subtensor(at, 'networksAdded')(netuid)
  if (exists.toJSON() !== true) {
    throw new NodeError('CHAIN_NO_SUBNET', `there is no subnet ${netuid} on this chain`, {
      next: 'check --netuid and --chain',
    })
  }
  const keys = await subtensor(at, 'keys').entries(netuid)
  const hotkeys = keys
    .map(([key, hotkey]) => ({ uid: Number(key.args[1]!.toString()), hotkey: hotkey.toString() }))
    .sort((a, b) => a.uid - b.uid)
  const columns = await readColumns(at, netuid)
  const owned = await readOwned(at, netuid, hotkeys)
  const neurons = hotkeys.map(({ uid, hotkey }, i) => neuron(uid, hotkey, owned[i]!, columns))
  const owner = (await subtensor(at, 'subnetOwnerHotkey')(netuid)).toString()
  const ownerUid = hotkeys.find(({ hotkey }) => hotkey === owner)?.uid
  const activityCutoff = numberOf(await subtensor(at, 'activityCutoff')(netuid))
  return { netuid, block, timeMs: await timeAt(at), ownerUid, activityCutoff, neurons }
}

async function timeAt(at: At): Promise<number | undefined> {
  const now = await at.query['timestamp']?.['now']?.()
  return now === undefined ? undefined : numberOf(now)
}

const COLUMNS = [
  'validatorPermit',
  'active',
  'lastUpdate',
  'incentive',
  'dividends',
  'emission',
] as const

type Columns = Record<(typeof COLUMNS)[number], Codec[]>

async function readColumns(at: At, netuid: number): Promise<Columns> {
  const lists = await Promise.all(COLUMNS.map((name) => subtensor(at, name)(netuid)))
  return Object.fromEntries(COLUMNS.map((name, i) => [name, listOf(lists[i]!)])) as Columns
}

/** What stands by hotkey or uid in maps of their own. */
interface Owned {
  readonly coldkey: string
  readonly stake: bigint
  readonly registeredAt: number
}

async function readOwned(
  at: At,
  netuid: number,
  hotkeys: readonly { uid: number; hotkey: string }[],
): Promise<Owned[]> {
  const [owners, stakes, blocks] = await Promise.all([
    subtensor(at, 'owner').multi(hotkeys.map(({ hotkey }) => hotkey)),
    subtensor(at, 'totalHotkeyAlpha').multi(hotkeys.map(({ hotkey }) => [hotkey, netuid])),
    subtensor(at, 'blockAtRegistration').multi(hotkeys.map(({ uid }) => [netuid, uid])),
  ])
  return hotkeys.map((_, i) => ({
    coldkey: owners[i]!.toString(),
    stake: BigInt(stakes[i]!.toString()),
    registeredAt: numberOf(blocks[i]!),
  }))
}

/** Columns may be shorter than the list of keys: what an epoch has not seen yet counts as nothing. */
function neuron(uid: number, hotkey: string, owned: Owned, columns: Columns): Neuron {
  const number = (name: keyof Columns): number => Number(columns[name][uid]?.toString() ?? 0)
  return {
    uid,
    hotkey,
    hotkeyPublicKey: decodeAddress(hotkey),
    ...owned,
    validatorPermit: columns.validatorPermit[uid]?.toJSON() === true,
    active: columns.active[uid]?.toJSON() === true,
    lastUpdate: number('lastUpdate'),
    incentive: number('incentive'),
    dividends: number('dividends'),
    emission: BigInt(columns.emission[uid]?.toString() ?? 0),
  }
}

/** Where a subnet stands in its epoch: counted in storage on newer runtimes, by block number on older ones. */
export async function readEpoch(api: ApiPromise, netuid: number, block: BlockRef): Promise<Epoch> {
  const at = await api.at(block.hash)
  const tempo = numberOf(await subtensor(at, 'tempo')(netuid))
  if (at.query['subtensorModule']?.['subnetEpochIndex'] === undefined)
    return epochByNumber(netuid, tempo, block.number)
  const [index, last] = await Promise.all([
    subtensor(at, 'subnetEpochIndex')(netuid),
    subtensor(at, 'lastEpochBlock')(netuid),
  ])
  const next = Math.max(numberOf(last) + tempo, block.number)
  const blocksLeft = next - block.number
  return { index: numberOf(index), tempo, last: numberOf(last), next, blocksLeft }
}

/** Spec 218: an epoch fires at every block with (block + netuid + 1) % (tempo + 1) = 0. */
export function epochByNumber(netuid: number, tempo: number, block: number): Epoch {
  const span = tempo + 1
  const index = Math.floor((block + netuid + 1) / span)
  const last = index * span - (netuid + 1)
  const next = last + span
  return { index, tempo, last, next, blocksLeft: next - block }
}

/** Every row of weights of mechanism 0, by validator uid. */
export async function readWeights(
  api: ApiPromise,
  netuid: number,
  block: BlockRef,
): Promise<ReadonlyMap<number, WeightRow>> {
  const at = await api.at(block.hash)
  const rows = await subtensor(at, 'weights').entries(netuid)
  const pairs = (row: Codec): WeightRow =>
    listOf(row).map((pair) => {
      const [uid, weight] = pair as ITuple<[Codec, Codec]>
      return [numberOf(uid), numberOf(weight)] as const
    })
  return new Map(rows.map(([key, row]) => [numberOf(key.args[1]!), pairs(row)]))
}

type Field = IEnum & { readonly inner: Codec }

interface Registration extends Codec {
  readonly block: Codec
  readonly info: Codec & { readonly fields: Iterable<Field> }
}

/** First raw field of every commitment, by hotkey. */
export async function readCommitments(
  api: ApiPromise,
  netuid: number,
  block: BlockRef,
): Promise<ReadonlyMap<string, Commitment>> {
  const at = await api.at(block.hash)
  const entries = await entry(at, 'commitments', 'commitmentOf').entries(netuid)
  const found = new Map<string, Commitment>()
  for (const [key, value] of entries) {
    const registration = (value as unknown as { unwrap(): Registration }).unwrap()
    const [field] = registration.info.fields
    if (field === undefined || !/^Raw\d+$/.test(field.type)) continue
    const bytes = Uint8Array.from(field.inner.toU8a(true))
    found.set(key.args[1]!.toString(), { bytes, block: numberOf(registration.block) })
  }
  return found
}

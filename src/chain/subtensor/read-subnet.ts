import type { ApiPromise } from '@polkadot/api'
import type { Codec, IEnum } from '@polkadot/types/types'
import { NodeError } from '../../errors.ts'
import type { BlockRef } from '../block-ref.ts'
import type { Commitment } from '../chain-commitments.ts'
import type { Epoch, Metagraph, Neuron } from '../metagraph.ts'
import { decodeAddress } from '../ss58.ts'
import { numberOf } from './entries.ts'
import { epochFrom, epochWanted } from './read-epoch.ts'
import { readStorage, type Wanted } from './storage-batch.ts'

/** All that is read of a subnet at one block. */
export interface Subnet {
  readonly metagraph: Metagraph
  readonly epoch: Epoch
  /** Of registered hotkeys, by SS58. */
  readonly commitments: ReadonlyMap<string, Commitment>
}

const SCALARS = ['networksAdded', 'subnetworkN', 'subnetOwnerHotkey', 'activityCutoff'] as const
const COLUMNS = [
  'validatorPermit',
  'active',
  'lastUpdate',
  'incentive',
  'dividends',
  'emission',
] as const
type Column = (typeof COLUMNS)[number]

/** Entries per neuron, in the order of `neuronWanted`. */
const PER_NEURON = 5

/**
 * Reads subnets at one block hash. Keys of storage follow from the hotkeys, which hardly change: those of the last block
 * are asked for together with everything else, so that a block costs one request. Only where a hotkey came or went it is
 * read again.
 */
export class SubnetReader {
  readonly #api: ApiPromise
  readonly #hotkeys = new Map<number, readonly string[]>()
  /** What was read last: metagraph, epoch and commitments of one block are one read. */
  #last: { readonly place: string; readonly subnet: Promise<Subnet> } | undefined

  constructor(api: ApiPromise) {
    this.#api = api
  }

  /** @throws CHAIN_NO_SUBNET when there is no such subnet */
  read(netuid: number, block: BlockRef): Promise<Subnet> {
    const place = `${netuid}/${block.hash}`
    if (this.#last?.place === place) return this.#last.subnet
    const subnet = this.#read(netuid, block)
    this.#last = { place, subnet }
    subnet.catch(() => {
      if (this.#last?.subnet === subnet) this.#last = undefined
    })
    return subnet
  }

  async #read(netuid: number, block: BlockRef): Promise<Subnet> {
    const guess = this.#hotkeys.get(netuid) ?? []
    const first = await this.#batch(netuid, block, guess)
    const hotkeys = await this.#hotkeysFrom(first, netuid, block)
    this.#hotkeys.set(netuid, hotkeys)
    const same = hotkeys.length === guess.length && hotkeys.every((one, uid) => one === guess[uid])
    const batch = same ? first : await this.#batch(netuid, block, hotkeys)
    return subnetFrom(netuid, block, batch)
  }

  async #batch(netuid: number, block: BlockRef, hotkeys: readonly string[]): Promise<Batch> {
    const own = [...SCALARS, ...COLUMNS].map((name): Wanted => ['subtensorModule', name, netuid])
    const head: Wanted[] = [['timestamp', 'now'], ...own]
    const epoch = epochWanted(this.#api, netuid)
    const neurons = hotkeys.flatMap((hotkey, uid) => neuronWanted(netuid, uid, hotkey))
    const values = await readStorage(this.#api, block, [...head, ...epoch, ...neurons])
    return {
      hotkeys,
      head: values.slice(0, head.length),
      epoch: values.slice(head.length, head.length + epoch.length),
      neurons: values.slice(head.length + epoch.length),
    }
  }

  /** Hotkeys by uid as the chain has them; asks for them where there are not as many as guessed. */
  async #hotkeysFrom(batch: Batch, netuid: number, block: BlockRef): Promise<readonly string[]> {
    const [, exists, count] = batch.head
    if (exists!.toJSON() !== true) {
      throw new NodeError('CHAIN_NO_SUBNET', `there is no subnet ${netuid} on this chain`, {
        next: 'check --netuid and --chain',
      })
    }
    const n = numberOf(count!)
    if (n === batch.hotkeys.length)
      return batch.hotkeys.map((_, uid) => String(batch.neurons[uid * PER_NEURON]))
    const wanted = Array.from({ length: n }, (_, uid) => ['subtensorModule', 'keys', netuid, uid])
    return (await readStorage(this.#api, block, wanted as unknown as Wanted[])).map(String)
  }
}

interface Batch {
  readonly hotkeys: readonly string[]
  readonly head: readonly (Codec | undefined)[]
  readonly epoch: readonly (Codec | undefined)[]
  readonly neurons: readonly (Codec | undefined)[]
}

const neuronWanted = (netuid: number, uid: number, hotkey: string): readonly Wanted[] => [
  ['subtensorModule', 'keys', netuid, uid],
  ['subtensorModule', 'owner', hotkey],
  ['subtensorModule', 'totalHotkeyAlpha', hotkey, netuid],
  ['subtensorModule', 'blockAtRegistration', netuid, uid],
  ['commitments', 'commitmentOf', netuid, hotkey],
]

function subnetFrom(netuid: number, block: BlockRef, batch: Batch): Subnet {
  const [now, , , owner, cutoff, ...lists] = batch.head
  const columns = Object.fromEntries(
    COLUMNS.map((name, at) => [name, [...(lists[at] as unknown as Iterable<Codec>)]]),
  ) as Record<Column, Codec[]>
  const rows = batch.hotkeys.map((hotkey, uid) => {
    const values = batch.neurons.slice(uid * PER_NEURON, (uid + 1) * PER_NEURON)
    return { uid, hotkey, values }
  })
  const neurons = rows.map((row) => neuronFrom(row, columns))
  const ownerUid = neurons.find(({ hotkey }) => hotkey === String(owner))?.uid
  const commitments = rows.flatMap(({ hotkey, values }) => {
    const commitment = commitmentFrom(values[4])
    return commitment === undefined ? [] : [[hotkey, commitment] as const]
  })
  const timeMs = numberOf(now!)
  return {
    metagraph: { netuid, block, timeMs, ownerUid, activityCutoff: numberOf(cutoff!), neurons },
    epoch: epochFrom(netuid, block, batch.epoch),
    commitments: new Map(commitments),
  }
}

interface Row {
  readonly uid: number
  readonly hotkey: string
  readonly values: readonly (Codec | undefined)[]
}

/** Columns may be shorter than the list of keys: what an epoch has not seen yet counts as nothing. */
function neuronFrom({ uid, hotkey, values }: Row, columns: Record<Column, Codec[]>): Neuron {
  const [, coldkey, stake, registeredAt] = values
  const number = (name: Column): number => Number(columns[name][uid]?.toString() ?? 0)
  return {
    uid,
    hotkey,
    hotkeyPublicKey: decodeAddress(hotkey),
    coldkey: String(coldkey),
    stake: BigInt(String(stake)),
    registeredAt: numberOf(registeredAt!),
    validatorPermit: columns.validatorPermit[uid]?.toJSON() === true,
    active: columns.active[uid]?.toJSON() === true,
    lastUpdate: number('lastUpdate'),
    incentive: number('incentive'),
    dividends: number('dividends'),
    emission: BigInt(columns.emission[uid]?.toString() ?? 0),
  }
}

type CommitmentInfo = Codec & { readonly fields: Iterable<IEnum & { readonly inner: Codec }> }
interface Registration extends Codec {
  readonly block: Codec
  readonly info: CommitmentInfo
}

/** The first field of what is committed, when it is raw bytes. */
export function rawField(info: Codec): Uint8Array | undefined {
  const [field] = (info as CommitmentInfo).fields
  if (field === undefined || !/^Raw\d+$/.test(field.type)) return undefined
  return Uint8Array.from(field.inner.toU8a(true))
}

/** A commitment as it is stored, when it is raw bytes. */
export function commitmentFrom(value: Codec | undefined): Commitment | undefined {
  if (value === undefined) return undefined
  const { info, block } = value as Registration
  const bytes = rawField(info)
  return bytes && { bytes, block: numberOf(block) }
}

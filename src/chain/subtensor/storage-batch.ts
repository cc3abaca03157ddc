import type { ApiPromise } from '@polkadot/api'
import type { ApiDecoration } from '@polkadot/api/types'
import type { Codec } from '@polkadot/types/types'
import { NodeError } from '../../errors.ts'
import type { BlockRef } from '../block-ref.ts'

/** A storage entry by polkadot.js' names, and its keys. */
export type Wanted = readonly [pallet: string, name: string, ...keys: unknown[]]

type Decoration = Pick<ApiDecoration<'promise'>, 'query' | 'registry'>

/** Nodes bound the bytes of a request (15 MiB), not its keys: 400 KB hold a subnet of 490 neurons; more take more requests. */
const KEYS_PER_REQUEST = 2500

/** System.LastRuntimeUpgrade: the runtime that wrote a block's storage, by a key that every metadata agrees on. */
const LAST_UPGRADE = '0x26aa394eea5630e07c48ae0c9558cef7f9cce9c888469bb1a0dceaa129672ef8'

interface ChangeSet {
  readonly changes: readonly (readonly [key: string, value: string | null])[]
}

/**
 * Reads storage entries at one block hash in one request, in the order asked; an absent optional entry is undefined. The
 * current metadata serves, without a further request, unless the block was written by another runtime.
 * @throws CHAIN_UNSUPPORTED for an entry this runtime does not have
 */
export async function readStorage(
  api: ApiPromise,
  block: BlockRef,
  wanted: readonly Wanted[],
): Promise<(Codec | undefined)[]> {
  const keys = keysOf(api, wanted)
  const values = await fetchValues(api, block, keys)
  const writtenBy = specOf(values.get(LAST_UPGRADE))
  const current = api.runtimeVersion.specVersion.toNumber()
  if (writtenBy === undefined || writtenBy === current) return decode(api, wanted, keys, values)
  const old = await api.at(block.hash)
  const oldKeys = keysOf(old, wanted)
  return decode(old, wanted, oldKeys, await fetchValues(api, block, oldKeys))
}

async function fetchValues(
  api: ApiPromise,
  block: BlockRef,
  wanted: readonly string[],
): Promise<Map<string, string | null>> {
  const keys = [LAST_UPGRADE, ...wanted]
  const pages = Array.from({ length: Math.ceil(keys.length / KEYS_PER_REQUEST) }, (_, page) =>
    keys.slice(page * KEYS_PER_REQUEST, (page + 1) * KEYS_PER_REQUEST),
  )
  const sets = await Promise.all(
    pages.map((page) => api.rpc.state.queryStorageAt.raw(page as never, block.hash)),
  )
  const changes = (sets as unknown as ChangeSet[][]).flatMap(([set]) => set?.changes ?? [])
  return new Map(changes)
}

const keysOf = (decoration: Decoration, wanted: readonly Wanted[]): string[] =>
  wanted.map(([pallet, name, ...keys]) => entryOf(decoration, pallet, name).key(...keys))

function decode(
  decoration: Decoration,
  wanted: readonly Wanted[],
  keys: readonly string[],
  values: ReadonlyMap<string, string | null>,
): (Codec | undefined)[] {
  return wanted.map(([pallet, name], at) => {
    const { meta } = entryOf(decoration, pallet, name).creator
    const value = values.get(keys[at]!) ?? undefined
    if (value === undefined && meta.modifier.isOptional) return undefined
    const type = meta.type.isPlain ? meta.type.asPlain : meta.type.asMap.value
    return decoration.registry.createTypeUnsafe(decoration.registry.createLookupType(type), [
      // As bytes: of a hex string polkadot.js would take a number big-endian.
      value === undefined ? meta.fallback.toU8a(true) : Buffer.from(value.slice(2), 'hex'),
    ])
  })
}

function entryOf({ query }: Decoration, pallet: string, name: string) {
  const found = query[pallet]?.[name]
  if (found === undefined)
    throw new NodeError('CHAIN_UNSUPPORTED', `this runtime has no storage ${pallet}.${name}`)
  return found
}

/** {spec_version: Compact<u32>, spec_name: String} */
function specOf(value: string | null | undefined): number | undefined {
  if (value === undefined || value === null) return undefined
  const bytes = Buffer.from(value.slice(2, 10).padEnd(8, '0'), 'hex')
  const mode = bytes[0]! & 3
  if (mode === 0) return bytes[0]! >> 2
  return (mode === 1 ? bytes.readUInt16LE() : bytes.readUInt32LE()) >>> 2
}

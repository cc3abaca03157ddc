import type { Metadata, TypeRegistry } from '@polkadot/types'
import type { DecoratedMeta } from '@polkadot/types/metadata/decorate/types'
import type { StorageEntry } from '@polkadot/types/primitive/types'
import type { Codec } from '@polkadot/types/types'
import { fromHex, toHex } from '../hex.ts'
import { polkadotTypes } from '../polkadot.ts'
import { buildMetadata } from './metadata/build.ts'
import { subset } from './metadata/subset.ts'
import type { Spec } from './metadata/table.ts'

/** What a call refuses with; becomes `ExtrinsicFailed`, and nothing else of the call stays. */
export class DispatchFailure extends Error {
  readonly dispatch: object
  constructor(name: string, dispatch: object) {
    super(name)
    this.dispatch = dispatch
  }
}

/** The types, storage keys, events and errors of one runtime version. */
export class Runtime {
  readonly spec: Spec
  readonly registry: TypeRegistry
  readonly metadataHex: `0x${string}`
  readonly #metadata: Metadata
  readonly #query: DecoratedMeta['query']

  constructor(spec: Spec) {
    const { expandMetadata, Metadata, TypeRegistry } = polkadotTypes()
    this.spec = spec
    this.registry = new TypeRegistry()
    this.metadataHex = buildMetadata(subset, spec)
    this.#metadata = new Metadata(this.registry, this.metadataHex)
    this.registry.setMetadata(this.#metadata, undefined, undefined, true)
    this.#query = expandMetadata(this.registry, this.#metadata).query
  }

  /** A storage entry by the names polkadot.js gives it, e.g. `subtensorModule`, `validatorPermit`. */
  entry(section: string, name: string): StorageEntry {
    const entry = this.#query[section]?.[name]
    if (entry === undefined) throw new Error(`the metadata has no storage ${section}.${name}`)
    return entry
  }

  has(section: string, name: string): boolean {
    return this.#query[section]?.[name] !== undefined
  }

  /** The storage key of an entry in hex. */
  key(entry: StorageEntry, keys: readonly unknown[]): string {
    return toHex(withoutLength(entry(...keys)))
  }

  /** Decodes a stored value; an absent one gives the entry's default, or null. */
  decode(entry: StorageEntry, value: string | null): Codec | null {
    const type = this.#valueType(entry)
    if (value !== null) return this.registry.createTypeUnsafe(type, [bytesOf(value)])
    if (entry.meta.modifier.isOptional) return null
    return this.registry.createTypeUnsafe(type, [bytesOf(entry.meta.fallback.toHex())])
  }

  encode(entry: StorageEntry, value: unknown): string {
    return toHex(this.registry.createTypeUnsafe(this.#valueType(entry), [value]).toU8a())
  }

  /** A module error by pallet and name, as the metadata numbers it. */
  failure(pallet: string, name: string): DispatchFailure {
    const found = this.#pallet(pallet)
    const variants = this.registry.lookup.getSiType(found.errors.unwrap().type).def.asVariant
    const variant = variants.variants.find((one) => one.name.eq(name))
    if (variant === undefined) throw new Error(`the metadata has no error ${pallet}.${name}`)
    const error = toHex(Uint8Array.of(variant.index.toNumber(), 0, 0, 0))
    return new DispatchFailure(name, { Module: { index: found.index.toNumber(), error } })
  }

  hasError(pallet: string, name: string): boolean {
    const type = this.#pallet(pallet).errors.unwrap().type
    const { variants } = this.registry.lookup.getSiType(type).def.asVariant
    return variants.some((one) => one.name.eq(name))
  }

  /** The SCALE bytes of an event. Fields the event does not have in this runtime are left out. */
  event(pallet: string, name: string, data: readonly unknown[]): Uint8Array {
    const found = this.#pallet(pallet)
    const variants = this.registry.lookup.getSiType(found.events.unwrap().type).def.asVariant
    const variant = variants.variants.find((one) => one.name.eq(name))
    if (variant === undefined) throw new Error(`the metadata has no event ${pallet}.${name}`)
    const fields = variant.fields.map(({ type }, at) =>
      this.registry.createTypeUnsafe(this.registry.createLookupType(type), [data[at]]).toU8a(),
    )
    const head = Uint8Array.of(found.index.toNumber(), variant.index.toNumber())
    return Buffer.concat([head, ...fields])
  }

  /** A constant as JSON. */
  constant(pallet: string, name: string): unknown {
    const constant = this.#pallet(pallet).constants.find((one) => one.name.eq(name))
    if (constant === undefined) return undefined
    const type = this.registry.createLookupType(constant.type)
    return this.registry.createTypeUnsafe(type, [constant.value]).toJSON()
  }

  #pallet(name: string) {
    const found = this.#metadata.asLatest.pallets.find((pallet) => pallet.name.eq(name))
    if (found === undefined) throw new Error(`the metadata has no pallet ${name}`)
    return found
  }

  #valueType({ meta }: StorageEntry): string {
    const type = meta.type.isPlain ? meta.type.asPlain : meta.type.asMap.value
    return this.registry.createLookupType(type)
  }
}

const bytesOf = (hex: string): Uint8Array => fromHex(hex, Number.MAX_SAFE_INTEGER / 4)!

/** polkadot.js puts a compact length before a key. */
function withoutLength(key: Uint8Array): Uint8Array {
  const mode = key[0]! & 3
  return key.subarray(mode === 0 ? 1 : mode === 1 ? 2 : 4)
}

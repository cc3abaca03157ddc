// Shared by the tests: load metadata, make repeatable sample values, and encode them.
import { Keyring } from '@polkadot/api'
import { expandMetadata, GenericCall, Metadata, TypeRegistry, Vec } from '@polkadot/types'
import type { RuntimeVersion } from '@polkadot/types/interfaces'
import type { Codec } from '@polkadot/types/types'
import { compactToU8a, u8aConcat, u8aToHex } from '@polkadot/util'
import type { Spec } from '../../../src/chain/dev/metadata/table.ts'

export function load(hex: string) {
  const registry = new TypeRegistry()
  const metadata = new Metadata(registry, hex as `0x${string}`)
  registry.setMetadata(metadata, undefined, undefined, true)
  const { query, tx, consts, errors, events } = expandMetadata(registry, metadata)
  const pallets = new Map(
    metadata.asLatest.pallets.map((pallet) => [pallet.name.toString(), pallet]),
  )
  return { registry, metadata, pallets, query, tx, consts, errors, events }
}
export type Runtime = ReturnType<typeof load>

/** One extrinsic signed with an ed25519 key, whose signatures are repeatable. */
export function signed(
  { registry, tx }: Runtime,
  spec: Spec,
  era: string | { current: number; period: number },
): string {
  const signer = new Keyring({ type: 'ed25519' }).addFromUri('//EdBob')
  const hash = `0x${'ab'.repeat(32)}` as const
  const extrinsic = registry.createType(
    'Extrinsic',
    { method: tx.balances!.transferKeepAlive!(signer.address, 5n) },
    { version: 4 },
  )
  const options = {
    era: registry.createType('ExtrinsicEra', era),
    nonce: 7,
    tip: 9,
    genesisHash: hash,
    blockHash: hash,
    mode: 1,
    metadataHash: hash,
  }
  return extrinsic
    .sign(signer, {
      ...options,
      runtimeVersion: registry.createType<RuntimeVersion>('RuntimeVersion', {
        specVersion: spec,
        transactionVersion: 1,
      }),
    })
    .toHex()
}

/** One call of each kind and one key of each storage entry, from a fixed random source described by `shapeOf`. */
export function vectors(shapeOf: Runtime, encoder: Runtime, spec: Spec): Record<string, string> {
  const found: Record<string, string> = {
    'signed immortal': signed(encoder, spec, '0x00'),
    'signed mortal': signed(encoder, spec, { current: 1000, period: 64 }),
  }
  for (const [section, methods] of Object.entries(shapeOf.tx)) {
    for (const [method, make] of Object.entries(methods)) {
      const random = new Random(`golden ${section}.${method}`)
      const bytes = u8aConcat(
        make.callIndex,
        ...make.meta.fields.map(({ type }) => sample(shapeOf, type.toNumber(), random, 0)),
      )
      const values = shapeOf.registry.createType('Call', bytes).args.map(plainValue)
      found[`call ${section}.${method}`] = encoder.tx[section]![method]!(...values).toHex()
    }
  }
  for (const [section, items] of Object.entries(shapeOf.query)) {
    if (section === 'substrate') continue
    for (const [name, entry] of Object.entries(items)) {
      const keys = storageKeys(shapeOf, entry, new Random(`golden ${section}.${name}`))
      found[`key ${section}.${name}`] = u8aToHex(encoder.query[section]![name]!(...keys))
    }
  }
  return found
}

/** A small repeatable random source (xorshift), so that a failure can be repeated. */
export class Random {
  #state = 2463534242
  constructor(seed: string) {
    for (const letter of seed)
      this.#state = Math.imul(this.#state ^ letter.charCodeAt(0), 16777619) >>> 0 || 1
  }
  below(limit: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % limit
  }
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }
}

/** An argument as an application would write it. polkadot.js cannot read back its own JSON of an inner call, so those are hex. */
export function plainValue(argument: Codec): unknown {
  if (argument instanceof GenericCall) return argument.toHex()
  return argument instanceof Vec
    ? [...argument].map((part) => plainValue(part as Codec))
    : argument.toJSON()
}

const primitiveSizes: Record<string, number> = {
  I16: 2,
  U8: 1,
  U16: 2,
  U32: 4,
  U64: 8,
  U128: 16,
}

/** Random valid SCALE bytes of a type. */
export function sample(runtime: Runtime, id: number, random: Random, depth: number): Uint8Array {
  const { def, path } = runtime.registry.lookup.getSiType(id)
  const inner = (type: { toNumber(): number }) =>
    sample(runtime, type.toNumber(), random, depth + 1)
  const compact = (limit: number) => compactToU8a(random.below(limit))
  if (path.join('::').endsWith('::RuntimeCall') && depth > 2) return new Uint8Array([0, 0, 0]) // system.remark with no bytes
  switch (def.type) {
    case 'Primitive':
      if (def.asPrimitive.type === 'Bool') return new Uint8Array([random.below(2)])
      if (def.asPrimitive.type === 'Str') return new Uint8Array([0])
      return random.bytes(primitiveSizes[def.asPrimitive.type]!)
    case 'Compact':
      return runtime.registry.lookup.getSiType(def.asCompact.type).def.isTuple
        ? new Uint8Array()
        : compact(2 ** 31)
    case 'Sequence': {
      const length = random.below(4)
      return u8aConcat(
        compactToU8a(length),
        ...Array.from({ length }, () => inner(def.asSequence.type)),
      )
    }
    case 'Array':
      return u8aConcat(
        ...Array.from({ length: def.asArray.len.toNumber() }, () => inner(def.asArray.type)),
      )
    case 'Tuple':
      return u8aConcat(...def.asTuple.map(inner))
    case 'Composite':
      return u8aConcat(...def.asComposite.fields.map((field) => inner(field.type)))
    case 'Variant': {
      // polkadot.js guesses what short Raw and Index addresses mean; the chain uses Id only, so compare Id only (shapes cover the rest).
      const variants = path.at(-1)?.eq('MultiAddress')
        ? [def.asVariant.variants[0]!]
        : def.asVariant.variants
      const variant = variants[random.below(variants.length)]!
      return u8aConcat(
        new Uint8Array([variant.index.toNumber()]),
        ...variant.fields.map((field) => inner(field.type)),
      )
    }
    default:
      throw new Error(`no sample for ${def.type}`)
  }
}

export type StorageFunction = Runtime['query'][string][string]
export const valueType = ({ meta }: StorageFunction) =>
  (meta.type.isPlain ? meta.type.asPlain : meta.type.asMap.value).toNumber()

export function storageKeys(
  runtime: Runtime,
  { meta }: StorageFunction,
  random: Random,
): unknown[] {
  if (meta.type.isPlain) return []
  const { hashers, key } = meta.type.asMap
  const parts =
    hashers.length === 1 ? [key] : [...runtime.registry.lookup.getSiType(key).def.asTuple]
  return parts.map((part) =>
    runtime.registry
      .createTypeUnsafe(runtime.registry.createLookupType(part), [
        sample(runtime, part.toNumber(), random, 0),
      ])
      .toJSON(),
  )
}

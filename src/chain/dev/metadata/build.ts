// Turns the readable table of subset.ts into the V14 metadata bytes that a Substrate node serves from state_getMetadata.

import { toHex } from '../../hex.ts'
import { polkadotTypes } from '../../polkadot.ts'
import type { Fields, PalletRow, Resolved, Spec, StorageRow, Table, TypeRow } from './table.ts'
import { resolveTable } from './table.ts'

const RUNTIME = 'node_subtensor_runtime' // polkadot.js recognises `*_runtime::RuntimeCall` and `*_runtime::RuntimeEvent`
const MAGIC_AND_VERSION = new Uint8Array([0x6d, 0x65, 0x74, 0x61, 14]) // "meta", V14
const EXTRINSIC_VERSION = 4

export function buildMetadata(table: Table, spec: Spec): `0x${string}` {
  const { types, pallets, extensions } = resolveTable(table, spec)
  const allTypes = { ...types, ...palletTypes(pallets), ...outerEnums(pallets) }
  const extensionsTuple = `(${Object.values(extensions)
    .map((extension) => extension.inExtrinsic)
    .join(', ')})`
  const numbers = new TypeNumbers(allTypes, { Extensions: extensionsTuple })

  // First pass: number every type that the table mentions.
  const extrinsic = {
    type: numbers.of('UncheckedExtrinsic'),
    version: EXTRINSIC_VERSION,
    signedExtensions: Object.entries(extensions).map(
      ([identifier, { inExtrinsic, signedOnly }]) => ({
        identifier,
        type: numbers.of(inExtrinsic),
        additionalSigned: numbers.of(signedOnly),
      }),
    ),
  }
  const runtime = numbers.of('()')
  for (const name of Object.keys(allTypes)) numbers.of(name)
  for (const pallet of Object.values(pallets)) {
    for (const entry of Object.values(pallet.storage ?? {})) {
      numbers.of(entry.value)
      numbers.of(keyType(entry))
    }
    for (const constant of Object.values(pallet.constants ?? {})) numbers.of(constant.type)
  }

  // Second pass: with the types known, encode default values and constants, and describe the pallets.
  const registry = new (polkadotTypes().TypeRegistry)()
  const lookup = { types: numbers.rows }
  registry.setLookup(registry.createType('PortableRegistry', lookup))
  const encode = (type: string, ...value: unknown[]) =>
    toHex(registry.createTypeUnsafe(`Lookup${numbers.of(type)}`, value).toU8a())

  const body = registry.createType('MetadataV14', {
    lookup,
    pallets: Object.entries(pallets).map(([name, pallet]) => ({
      name,
      index: pallet.index,
      storage: pallet.storage
        ? {
            prefix: name,
            items: Object.entries(pallet.storage).map((entry) =>
              storageItem(numbers, encode, ...entry),
            ),
          }
        : null,
      calls: pallet.calls ? { type: numbers.of(`${name}Call`) } : null,
      events: pallet.events ? { type: numbers.of(`${name}Event`) } : null,
      errors: pallet.errors ? { type: numbers.of(`${name}Error`) } : null,
      constants: Object.entries(pallet.constants ?? {}).map(([constantName, { type, value }]) => ({
        name: constantName,
        type: numbers.of(type),
        value: encode(type, value),
        docs: [],
      })),
    })),
    extrinsic,
    type: runtime,
  })
  return toHex(Buffer.concat([MAGIC_AND_VERSION, body.toU8a()]))
}

type Types = Record<string, Resolved<TypeRow>>
type Pallets = Record<string, Resolved<PalletRow>>

/** The call, event and error enums of each pallet. */
function palletTypes(pallets: Pallets): Types {
  const found: Types = {}
  for (const [name, { crate, calls, events, errors }] of Object.entries(pallets)) {
    if (calls) found[`${name}Call`] = { path: `${crate}::pallet::Call`, variants: calls }
    if (events) found[`${name}Event`] = { path: `${crate}::pallet::Event`, variants: events }
    if (errors)
      found[`${name}Error`] = {
        path: `${crate}::pallet::Error`,
        variants: mapValues(errors, (index) => ({ index, fields: [] })),
      }
  }
  return found
}

/** RuntimeCall and RuntimeEvent: one variant per pallet, numbered by the pallet's index. */
function outerEnums(pallets: Pallets): Types {
  const outer = (kind: 'Call' | 'Event', member: 'calls' | 'events') => ({
    path: `${RUNTIME}::Runtime${kind}`,
    variants: Object.fromEntries(
      Object.entries(pallets)
        .filter(([, pallet]) => pallet[member])
        .map(([name, pallet]) => [name, { index: pallet.index, fields: [`${name}${kind}`] }]),
    ),
  })
  return { RuntimeCall: outer('Call', 'calls'), RuntimeEvent: outer('Event', 'events') }
}

/** Gives every distinct type a number, as the portable registry requires, and collects its description. */
class TypeNumbers {
  readonly rows: { id: number; type: unknown }[] = []
  readonly #ids = new Map<string, number>()
  readonly #types: Types
  readonly #aliases: Record<string, string>

  constructor(types: Types, aliases: Record<string, string>) {
    this.#types = types
    this.#aliases = aliases
  }

  of(type: string): number {
    const text = this.#aliases[type] ?? type
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const id = this.rows.length
    this.#ids.set(text, id) // before describing it: RuntimeCall contains itself through Utility
    this.rows.push({ id, type: null })
    this.rows[id]!.type = { path: [], params: [], docs: [], ...this.#describe(text) }
    return id
  }

  #describe(text: string): object {
    const row = this.#types[text]
    if (row) return this.#describeNamed(row)
    if (/^(bool|char|str|[ui](8|16|32|64|128|256))$/.test(text)) return { def: { primitive: text } }
    const array = /^\[(.+); (\d+)\]$/.exec(text)
    if (array) return { def: { array: { type: this.of(array[1]!), len: Number(array[2]) } } }
    const tuple = /^\((.*)\)$/.exec(text)
    if (tuple) return { def: { tuple: splitList(tuple[1]!).map((part) => this.of(part)) } }
    const generic = /^(\w+)<(.+)>$/.exec(text)
    const parts = generic ? splitList(generic[2]!) : []
    switch (generic?.[1]) {
      case 'Vec':
        return { def: { sequence: { type: this.of(parts[0]!) } } }
      case 'Compact':
        return { def: { compact: { type: this.of(parts[0]!) } } }
      // polkadot.js reads these two by path and params.
      case 'Option':
        return this.#describeNamed({
          path: 'Option',
          params: { T: parts[0]! },
          variants: { None: { index: 0, fields: [] }, Some: { index: 1, fields: [parts[0]!] } },
        })
      case 'Result':
        return this.#describeNamed({
          path: 'Result',
          params: { T: parts[0]!, E: parts[1]! },
          variants: {
            Ok: { index: 0, fields: [parts[0]!] },
            Err: { index: 1, fields: [parts[1]!] },
          },
        })
    }
    throw new Error(`The metadata table mentions an unknown type: ${text}`)
  }

  #describeNamed({ path, params = {}, fields = [], variants }: Resolved<TypeRow>): object {
    return {
      path: path.split('::'),
      params: Object.entries(params).map(([name, type]) => ({ name, type: this.of(type) })),
      def: variants
        ? {
            variant: {
              variants: Object.entries(variants).map(([name, one]) => ({
                name,
                index: one.index,
                fields: this.#fields(one.fields),
                docs: [],
              })),
            },
          }
        : { composite: { fields: this.#fields(fields) } },
    }
  }

  #fields(fields: Resolved<Fields>): object[] {
    const named: [string | null, string][] = Array.isArray(fields)
      ? fields.map((type) => [null, type])
      : Object.entries(fields)
    return named.map(([name, type]) => ({ name, type: this.of(type), typeName: null, docs: [] }))
  }
}

type Encode = (type: string, ...value: unknown[]) => string

function storageItem(
  numbers: TypeNumbers,
  encode: Encode,
  name: string,
  entry: Resolved<StorageRow>,
): object {
  const valueId = numbers.of(entry.value)
  const absent = 'default' in entry ? [entry.default] : []
  return {
    name,
    modifier: entry.optional ? 'Optional' : 'Default',
    type:
      entry.keys.length === 0
        ? { plain: valueId }
        : {
            map: {
              hashers: entry.keys.map((key) => splitKey(key).hasher),
              key: numbers.of(keyType(entry)),
              value: valueId,
            },
          },
    fallback: entry.optional ? '0x00' : encode(entry.value, ...absent),
    docs: [],
  }
}

/** One key is its own type; several are a tuple. */
function keyType({ keys }: Resolved<StorageRow>): string {
  const parts = keys.map((key) => splitKey(key).type)
  return parts.length === 1 ? parts[0]! : `(${parts.join(', ')})`
}

function splitKey(key: string): { hasher: string; type: string } {
  const space = key.indexOf(' ')
  return { hasher: key.slice(0, space), type: key.slice(space + 1) }
}

/** 'u16, Vec<(u8, u8)>' -> ['u16', 'Vec<(u8, u8)>'] */
function splitList(list: string): string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at < list.length; at++) {
    if ('(<['.includes(list[at]!)) depth++
    if (')>]'.includes(list[at]!)) depth--
    if (list[at] === ',' && depth === 0) {
      parts.push(list.slice(start, at).trim())
      start = at + 1
    }
  }
  const last = list.slice(start).trim()
  return last ? [...parts, last] : parts
}

const mapValues = <A, B>(record: Record<string, A>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))

// The small vocabulary in which subset.ts is written. Nothing here knows about SCALE or polkadot.js.
//
// A type is written as Rust writes it: 'u16', 'Vec<u16>', 'Compact<u64>', '[u8; 32]', '(u16, u16)', 'Option<Timepoint>',
// 'Result<(), DispatchError>', or the name of a row of `types`. 'RuntimeCall' and 'RuntimeEvent' are built from the pallets.

/** Runtime versions that the table describes: subtensor before and after mechanisms. */
export type Spec = 218 | 424

/** A cell that differs between the two runtimes; `null` means "not in that runtime". */
export class BySpec<T> {
  readonly in218: T | null
  readonly in424: T | null
  constructor(in218: T | null, in424: T | null) {
    this.in218 = in218
    this.in424 = in424
  }
}
/** A cell with a value per runtime. */
export const bySpec = <T>(in218: T | null, in424: T | null): BySpec<T> => new BySpec(in218, in424)

/** A value for both runtimes, or one for each. */
export type Cell<T> = T | BySpec<T>
/** Named cells, in the order of the runtime. */
export type Row<T> = Record<string, Cell<T>>

/** Fields of a call, event, struct or enum variant: named ones as an object, unnamed ones as an array. */
export type Fields = string[] | Row<string>

/** A variant of an enum: a call, event or enum member, with its number. */
export interface Item {
  index: Cell<number>
  fields: Cell<Fields>
}
/** A variant; its fields are named by an object, unnamed in an array. */
export const item = (index: Cell<number>, fields: Cell<Fields> = []): Item => ({ index, fields })

/** A named type: a struct has fields, an enum variants. */
export interface TypeRow {
  path: Cell<string>
  params?: Record<string, string>
  fields?: Fields
  variants?: Row<Item>
}
/** A type made of fields. */
export const struct = (path: Cell<string>, fields: Fields, params = {}): TypeRow => ({
  path,
  fields,
  params,
})
/** A type made of numbered variants. */
export const enumeration = (path: Cell<string>, variants: Row<Item>, params = {}): TypeRow => ({
  path,
  variants,
  params,
})
/** An enum without fields, numbered from 0. */
export const choice = (path: Cell<string>, ...names: string[]): TypeRow =>
  enumeration(path, Object.fromEntries(names.map((name, index) => [name, item(index)])))

/** What reading an absent storage entry gives. */
export interface Absence {
  optional?: boolean
  default?: Cell<unknown>
}
/** A storage entry: hashed keys (none for a single value) and the type of its value. */
export interface StorageRow extends Absence {
  keys: string[]
  value: Cell<string>
}
/** A single stored value. */
export const value = (type: Cell<string>, absence: Absence = {}): StorageRow => ({
  keys: [],
  value: type,
  ...absence,
})
/** A stored map; every key is written 'Hasher type'. */
export const map = (keys: string[], type: Cell<string>, absence: Absence = {}): StorageRow => ({
  keys,
  value: type,
  ...absence,
})
/** Reading an absent entry gives null (OptionQuery) instead of the default (ValueQuery). */
export const optional: Absence = { optional: true }
/** Reading an absent entry gives this value instead of the type's zero. */
export const otherwise = (value: Cell<unknown>): Absence => ({ default: value })

/** A constant of a pallet. */
export interface ConstantRow {
  type: string
  value: Cell<unknown>
}
/** A constant by type and value. */
export const constant = (type: string, value: Cell<unknown>): ConstantRow => ({ type, value })

/** Everything the table says about one pallet. */
export interface PalletRow {
  index: number
  crate: string
  storage?: Row<StorageRow>
  calls?: Row<Item>
  events?: Row<Item>
  errors?: Row<number>
  constants?: Row<ConstantRow>
}

/** What an extension adds to the extrinsic, and what it adds to the signed payload only. */
export interface ExtensionRow {
  inExtrinsic: string
  signedOnly: string
}

/** The whole description of a runtime, in both versions. */
export interface Table {
  types: Row<TypeRow>
  pallets: Row<PalletRow>
  extensions: Row<ExtensionRow>
}

/** The same table with every BySpec cell replaced by its value for one runtime, and absent rows dropped. */
export type Resolved<T> =
  T extends BySpec<infer V>
    ? Resolved<V>
    : T extends readonly (infer E)[]
      ? Resolved<E>[]
      : T extends object
        ? { [K in keyof T]: Resolved<T[K]> }
        : T

/** The table of one runtime. */
export function resolveTable(table: Table, spec: Spec): Resolved<Table> {
  return resolve(table, spec) as Resolved<Table>
}

function resolve(cell: unknown, spec: Spec): unknown {
  if (cell instanceof BySpec) return resolve(spec === 218 ? cell.in218 : cell.in424, spec)
  if (Array.isArray(cell)) return cell.map((part) => resolve(part, spec))
  if (cell === null || typeof cell !== 'object') return cell
  const rows = Object.entries(cell).map(([name, part]) => [name, resolve(part, spec)] as const)
  return Object.fromEntries(rows.filter(([, part]) => part !== null))
}

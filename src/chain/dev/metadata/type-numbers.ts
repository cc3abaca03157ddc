import type { Fields, Resolved, TypeRow } from './table.ts'

/** Named types of one runtime. */
export type Types = Record<string, Resolved<TypeRow>>

/** Gives every distinct type a number, as the portable registry requires, and collects its description. */
export class TypeNumbers {
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

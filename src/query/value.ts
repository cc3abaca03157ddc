import type { Fact, Field, FieldType } from './fields.ts'

/** A value of a query in the form its field compares. */
export type Value =
  | { readonly type: 'number'; readonly value: number }
  | { readonly type: 'money'; readonly value: bigint }
  | { readonly type: 'version'; readonly value: readonly number[] }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'words'; readonly value: readonly string[] }

/** Examples of what each type takes, for error messages. */
export const EXPECTED: Readonly<Record<FieldType, string>> = {
  number: 'a number such as 24 or 0.5',
  money: 'a price such as 1.25',
  version: 'a version such as 8.9 or 550.54',
  boolean: 'true or false',
  text: 'text',
  words: 'text',
}

/** Types that have an order, and so take `<`, `<=`, `>` and `>=`. */
export const ORDERED: ReadonlySet<FieldType> = new Set(['number', 'money', 'version'])

const MONEY_PLACES = 18

/** A decimal in units of 10^-18, exactly; undefined for anything else. */
export function exactDecimal(text: string): bigint | undefined {
  const match = /^(-?)(\d{1,30})(?:\.(\d{1,18}))?$/.exec(text)
  if (match === null) return undefined
  const [, minus, whole, places = ''] = match
  return BigInt(`${minus}${whole}${places.padEnd(MONEY_PLACES, '0')}`)
}

const folded = (text: string): string => text.trim().toLowerCase().replace(/\s+/g, ' ')
const wordsOf = (text: string): string[] => folded(text).match(/[\p{L}\p{N}.]+/gu) ?? []
const TRUTH: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  1: true,
  false: false,
  no: false,
  0: false,
}

/** Reads text as a value of a type; undefined when it is none. */
export function readValue(type: FieldType, text: string): Value | undefined {
  switch (type) {
    case 'number': {
      const value = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
      return Number.isFinite(value) ? { type, value } : undefined
    }
    case 'money': {
      const value = exactDecimal(text)
      return value === undefined ? undefined : { type, value }
    }
    case 'version':
      return /^\d{1,9}(\.\d{1,9})*$/.test(text)
        ? { type, value: text.split('.').map(Number) }
        : undefined
    case 'boolean': {
      const value = TRUTH[text.toLowerCase()]
      return value === undefined ? undefined : { type, value }
    }
    case 'text':
      return { type, value: folded(text) }
    case 'words': {
      const value = wordsOf(text)
      return value.length === 0 ? undefined : { type, value }
    }
  }
}

/** A fact of an offer in the form its field compares; undefined when it is unknown or not of the field's type. */
export const factValue = (field: Field, fact: Fact | undefined): Value | undefined =>
  fact === undefined ? undefined : readValue(field.type, String(fact))

/** Whether a fact is what a query asked for with `=`. */
export function isSame(fact: Value, wanted: Value): boolean {
  if (fact.type === 'words' && wanted.type === 'words') {
    return wanted.value.every((word) => fact.value.includes(word))
  }
  return compareValues(fact, wanted) === 0
}

/** The order of two values of one type, below, at or above zero; words and text in plain character order. */
export function compareValues(a: Value, b: Value): number {
  if (a.type === 'version' && b.type === 'version') return compareVersions(a.value, b.value)
  const [x, y] = [plain(a), plain(b)]
  return x < y ? -1 : x > y ? 1 : 0
}

const plain = ({ value }: Value) => (Array.isArray(value) ? value.join(' ') : value) as string

function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

import { type Operator, type Token, tokens } from '../../query/lexer.ts'
import { parseQuery } from '../../query/parse.ts'

/** One comparison of a query that is nothing but comparisons side by side. */
export interface Condition {
  readonly field: string
  /** `in` for a list. */
  readonly operator: Operator | 'in' | 'not in'
  /** As they are written, without quotes. */
  readonly values: readonly string[]
  /** Its characters: from `from` to before `to`. */
  readonly from: number
  readonly to: number
}

/**
 * The comparisons of a query in order; undefined for a query that cannot be read or joins by `or`, whose parts must not
 * be changed one by one. What stands in brackets is left alone.
 */
export function conditionsOf(text: string): readonly Condition[] | undefined {
  try {
    parseQuery(text)
  } catch {
    return undefined
  }
  const list = tokens(text)
  const found: Condition[] = []
  let depth = 0
  for (let i = 0; i < list.length; i++) {
    const token = list[i]!
    if (token.kind === 'mark' && token.text === '(') depth++
    if (token.kind === 'mark' && token.text === ')') depth--
    if (depth > 0 || token.kind !== 'word') continue
    if (isWord(token, 'or')) return undefined
    if (isWord(token, 'and')) continue
    const end = endOfCondition(list, i)
    found.push(conditionOf(text, list, i, end))
    i = end - 1
  }
  return found
}

const isWord = (token: Token | undefined, word: string): boolean =>
  token?.kind === 'word' && !token.quoted && token.text.toLowerCase() === word

/** The index of the token after the condition that begins at `i`. */
function endOfCondition(list: readonly Token[], i: number): number {
  const next = list[i + 1]
  if (next?.kind === 'operator') return i + 3
  const close = list.findIndex((token, k) => k > i && token.kind === 'mark' && token.text === ']')
  const opens = list
    .slice(i + 1, i + 4)
    .some((token) => token.kind === 'mark' && token.text === '[')
  return opens && close > 0 ? close + 1 : i + 3 // a word as operator, such as `gte`
}

const WORDS: Readonly<Record<string, Operator>> = {
  eq: '=',
  ne: '!=',
  neq: '!=',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
}

function conditionOf(text: string, list: readonly Token[], i: number, end: number): Condition {
  const field = list[i]!
  const second = list[i + 1]
  const words = list.slice(i + 1, end).flatMap((token) => (token.kind === 'word' ? [token] : []))
  const from = field.at
  const to = from + text.slice(from, list[end]?.at ?? text.length).trimEnd().length
  const name = field.kind === 'word' ? field.text.toLowerCase() : ''
  if (second?.kind === 'operator') {
    return { field: name, operator: second.operator, values: words.map(valueText), from, to }
  }
  const first = second?.kind === 'word' ? second.text.toLowerCase() : ''
  const plain = WORDS[first]
  if (plain !== undefined) {
    return { field: name, operator: plain, values: words.slice(1).map(valueText), from, to }
  }
  const negated = first !== 'in'
  const skipped = first === 'not' ? 2 : 1
  return {
    field: name,
    operator: negated ? 'not in' : 'in',
    values: words.slice(skipped).map(valueText),
    from,
    to,
  }
}

const valueText = (token: Token & { readonly kind: 'word' }): string =>
  token.quoted ? token.text : token.text.replaceAll('_', ' ')

/** Which comparisons one control of the page stands for. */
export interface Place {
  readonly field: string
  readonly operators: readonly Condition['operator'][]
}

/** The values that a query has at a place; empty where it says nothing there. */
export function valuesAt(text: string, { field, operators }: Place): readonly string[] {
  const found = conditionsOf(text)?.findLast(
    (one) => one.field === field && operators.includes(one.operator),
  )
  return found?.values ?? []
}

/**
 * The query with another comparison at a place, none where `condition` is undefined; the rest stays as it was typed. A
 * query that joins by `or` is put into brackets first.
 */
export function withCondition(text: string, place: Place, condition: string | undefined): string {
  const found = conditionsOf(text)
  if (found === undefined) {
    if (condition === undefined) return text
    const isReadable = readable(text)
    return `${isReadable ? `(${text.trim()})` : text.trim()} ${condition}`
  }
  const { field, operators } = place
  const gone = found.filter((one) => one.field === field && operators.includes(one.operator))
  let rest = text
  for (const { from, to } of gone.toReversed()) rest = cut(rest, from, to)
  return [rest.trim(), condition].filter(Boolean).join(' ')
}

/** Cuts a comparison out, with one `and` beside it. */
function cut(text: string, from: number, to: number): string {
  const before = text.slice(0, from)
  const after = text.slice(to)
  const joined = /\band\s*$/i.test(before)
    ? `${before.replace(/\band\s*$/i, '')}${after.trimStart()}`
    : `${before}${after.replace(/^\s*and\b\s*/i, '').trimStart()}`
  return joined
}

function readable(text: string): boolean {
  try {
    parseQuery(text)
    return true
  } catch {
    return false
  }
}

/** A value as a query writes it: spaces become `_`, and quotes keep what would be read otherwise. */
export function quoted(value: string): string {
  if (/^[^\s()[\],=!<>"'_]+$/.test(value)) return value
  if (/^[^()[\],=!<>"'_]+$/.test(value)) return value.replaceAll(' ', '_')
  return value.includes('"') ? `'${value}'` : `"${value}"`
}

/** A comparison with one of several values. */
export const oneOf = (field: string, values: readonly string[]): string | undefined =>
  values.length === 0
    ? undefined
    : values.length === 1
      ? `${field}=${quoted(values[0]!)}`
      : `${field} in [${values.map(quoted).join(',')}]`

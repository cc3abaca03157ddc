import type { Facts } from './fields.ts'
import { type Field, fieldNamed, nearestField } from './fields.ts'
import { type Operator, queryError } from './lexer.ts'
import type { Query } from './parse.ts'
import { compareValues, factValue, isSame, type Value } from './value.ts'

/** Whether an offer is what a query asks for. A fact that is not known satisfies no condition but `field=any`. */
export function matches(query: Query, facts: Facts): boolean {
  switch (query.kind) {
    case 'and':
      return query.parts.every((part) => matches(part, facts))
    case 'or':
      return query.parts.some((part) => matches(part, facts))
    case 'any':
      return true
    case 'compare': {
      const fact = factValue(query.field, facts[query.field.name])
      return fact !== undefined && holds(query.operator, fact, query.value)
    }
    case 'in': {
      const fact = factValue(query.field, facts[query.field.name])
      return fact !== undefined && query.values.some((v) => isSame(fact, v)) !== query.negated
    }
  }
}

function holds(operator: Operator, fact: Value, wanted: Value): boolean {
  switch (operator) {
    case '=':
      return isSame(fact, wanted)
    case '!=':
      return !isSame(fact, wanted)
    case '>':
      return compareValues(fact, wanted) > 0
    case '>=':
      return compareValues(fact, wanted) >= 0
    case '<':
      return compareValues(fact, wanted) < 0
    case '<=':
      return compareValues(fact, wanted) <= 0
  }
}

/** The fields a query speaks about, by `field=any` too. */
export function fieldsOf(query: Query): ReadonlySet<string> {
  return 'parts' in query
    ? new Set(query.parts.flatMap((part) => [...fieldsOf(part)]))
    : new Set([query.field.name])
}

/** A query narrowed by each default whose field it does not speak about itself. */
export function withDefaults(query: Query, defaults: readonly Query[]): Query {
  const spoken = fieldsOf(query)
  const added = defaults.filter((one) => [...fieldsOf(one)].every((name) => !spoken.has(name)))
  return added.length === 0 ? query : { kind: 'and', parts: [query, ...added] }
}

/** A comparison of two offers for sorting. */
export type Order = (a: Facts, b: Facts) => number

/**
 * Reads an order such as `dph,-score`: cheapest first, then the higher score. Unknown facts come last either way.
 * @throws BAD_CONFIG_QUERY on an unknown field
 */
export function parseOrder(text: string): Order {
  const keys = [...text.matchAll(/[^,]+/g)].map(orderKey)
  return (a, b) => {
    for (const { field, sign } of keys) {
      const difference = compareFacts(field, sign, a, b)
      if (difference !== 0) return difference
    }
    return 0
  }
}

function orderKey(match: RegExpMatchArray): { readonly field: Field; readonly sign: 1 | -1 } {
  const typed = match[0].trim()
  const descending = typed.startsWith('-')
  const name = typed.replace(/^[-+]/, '')
  const field = fieldNamed(name)
  if (field !== undefined) return { field, sign: descending ? -1 : 1 }
  const message = `unknown field "${name}" in the order: did you mean ${nearestField(name)}?`
  throw queryError(message, match.index ?? 0)
}

function compareFacts(field: Field, sign: 1 | -1, a: Facts, b: Facts): number {
  const [x, y] = [factValue(field, a[field.name]), factValue(field, b[field.name])]
  if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined)
  return sign * compareValues(x, y)
}

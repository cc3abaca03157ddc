import { type Facts, FIELDS, fieldNamed } from '../../query/fields.ts'
import { matches, withDefaults } from '../../query/match.ts'
import { parseQuery, type Query } from '../../query/parse.ts'
import { compareValues, factValue, type Value } from '../../query/value.ts'
import type { Sorting } from '../ui/sorting.ts'
import { type Offer, topsPerPrice } from './offer.ts'

/** What is wrong with a query, and where: characters from `from` to before `to`. */
export interface QueryProblem {
  readonly message: string
  readonly next: string | undefined
  readonly from: number
  readonly to: number
  /** What was probably meant, in place of those characters. */
  readonly instead: string | undefined
}

/** A query as it is typed: what it asks for, or what is wrong with it. */
export type ReadQuery =
  | { readonly query: Query; readonly problem?: undefined }
  | { readonly query?: undefined; readonly problem: QueryProblem }

/** Unless a query speaks of it: an offer that cannot be taken is no offer. The node does the same. */
const DEFAULTS = [parseQuery('rentable=true')]

/** Reads a query with the parser of the node; never throws. */
export function readQuery(text: string): ReadQuery {
  try {
    return { query: withDefaults(parseQuery(text), DEFAULTS) }
  } catch (error) {
    return { problem: problemOf(error, text) }
  }
}

function problemOf(error: unknown, text: string): QueryProblem {
  const { message, next, details } = error as {
    readonly message: string
    readonly next?: string
    readonly details?: { readonly position?: number }
  }
  const from = Math.min(details?.position ?? 0, Math.max(0, text.length - 1))
  const word = /^[^\s()[\],=!<>"']+|^./.exec(text.slice(from))?.[0] ?? ''
  return {
    message: message.replace(/ \(at character \d+\)$/, ''), // the page shows where
    next,
    from,
    to: from + Math.max(1, word.length),
    instead: /did you mean (\w+)\?/.exec(message)?.[1],
  }
}

/** The offers that a query asks for, in order; offers whose value is not known come last either way. */
export function filterOffers(
  offers: readonly Offer[],
  query: Query,
  sorting: Sorting,
): readonly Offer[] {
  const found = offers.filter((offer) => matches(query, offer as unknown as Facts))
  return sortOffers(found, sorting)
}

/** What the page sorts by besides the fields of the language. */
export const VALUE_KEY = 'value'

export const sortableKeys: ReadonlySet<string> = new Set([
  ...FIELDS.map(({ name }) => name),
  VALUE_KEY,
])

/** Reads each value once: a comparison reads two, and there are many of them. */
function sortOffers(offers: readonly Offer[], { key, descending }: Sorting): readonly Offer[] {
  const read = readerOf(key)
  const sign = descending ? -1 : 1
  const keyed = offers.map((offer) => ({ offer, value: read(offer) }))
  keyed.sort((a, b) => {
    if (a.value === undefined || b.value === undefined) {
      return Number(a.value === undefined) - Number(b.value === undefined)
    }
    return sign * compareValues(a.value, b.value)
  })
  return keyed.map(({ offer }) => offer)
}

function readerOf(key: string): (offer: Offer) => Value | undefined {
  if (key === VALUE_KEY) {
    return (offer) => {
      const value = topsPerPrice(offer)
      return value === undefined ? undefined : { type: 'number', value }
    }
  }
  const field = fieldNamed(key)
  if (field === undefined) return () => undefined
  return (offer) => factValue(field, (offer as unknown as Facts)[field.name])
}

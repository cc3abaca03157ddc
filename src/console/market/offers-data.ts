import { useMemo } from 'react'
import type { Field } from '../../query/fields.ts'
import { useNode } from '../app/node-data.tsx'
import type { KnownValues } from './complete-query.ts'
import { type Offer, shortModel } from './offer.ts'

/** Events after which other offers stand, or something else is known of them. */
const EVENTS = [
  'offer-seen',
  'offer-withdrawn',
  'offer-expired',
  'offer-not-taken',
  'miner-scored',
  'scores-computed',
] as const

/** Every offer this node knows, let ones too: the page filters, with the node's own language. */
const ALL = `/v1/offers?q=${encodeURIComponent('rentable=any')}`

export const useOffers = () =>
  useNode<{ readonly items: readonly Offer[] }>(ALL, { events: EVENTS })

/** A value and how many offers have it. */
export interface Counted {
  readonly value: string
  readonly count: number
}

/** The values that offers have in a field, the most frequent first; models by the word that people know them by. */
export function valuesIn(offers: readonly Offer[], field: string): readonly Counted[] {
  const counts = new Map<string, number>()
  for (const offer of offers) {
    const value = field === 'gpu_name' ? shortModel(offer) : offer[field]
    if (value === undefined || value === null || value === '') continue
    counts.set(String(value), (counts.get(String(value)) ?? 0) + 1)
  }
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || a.value.localeCompare(b.value))
}

/** The same as completions want them, counted once per field and list. */
export function useKnownValues(offers: readonly Offer[]): KnownValues {
  return useMemo(() => {
    const found = new Map<string, readonly string[]>()
    return ({ name }: Field) => {
      const values = found.get(name) ?? valuesIn(offers, name).map(({ value }) => value)
      found.set(name, values)
      return values
    }
  }, [offers])
}

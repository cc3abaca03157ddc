import { useMemo, useRef } from 'react'
import type { Sorting } from '../ui/sorting.ts'
import { filterOffers, type QueryProblem, readQuery } from './filter-offers.ts'
import type { Offer } from './offer.ts'

export interface Found {
  readonly offers: readonly Offer[]
  readonly problem: QueryProblem | undefined
}

/** The offers that a query finds; while it is wrong, those that it found when it was last right. */
export function useFound(all: readonly Offer[], q: string, sorting: Sorting): Found {
  const read = useMemo(() => readQuery(q), [q])
  const last = useRef(readQuery('').query!)
  if (read.query !== undefined) last.current = read.query
  const query = read.query ?? last.current
  const offers = useMemo(() => {
    const startedMs = performance.now()
    const found = filterOffers(all, query, sorting)
    performance.measure('cn-filter', { start: startedMs, end: performance.now() }) // bench console reads it
    return found
  }, [all, query, sorting])
  return { offers, problem: read.problem }
}

import { useCallback, useMemo } from 'react'
import { useSearchParams } from 'wouter'
import type { Sorting } from '../ui/sorting.ts'
import { sortableKeys } from './filter-offers.ts'

/** What the market page shows; all of it stands in the address, so that it can be sent and gone back to. */
export interface MarketState {
  /** The query as it is typed. */
  readonly q: string
  readonly sorting: Sorting
  /** Id of the offer that is open. */
  readonly offer: string | undefined
}

const CHEAPEST: Sorting = { key: 'dph', descending: false }

/** The state of the page and how to change parts of it. */
export function useMarketState(): readonly [MarketState, (change: Partial<MarketState>) => void] {
  const [params, setParams] = useSearchParams()
  const text = params.toString()
  const state = useMemo(() => stateOf(new URLSearchParams(text)), [text])
  const change = useCallback(
    (part: Partial<MarketState>) => {
      setParams((old) => paramsOf({ ...stateOf(old), ...part }), { replace: true })
    },
    [setParams],
  )
  return [state, change]
}

function stateOf(params: URLSearchParams): MarketState {
  return {
    q: params.get('q') ?? '',
    sorting: sortingOf(params.get('sort') ?? ''),
    offer: params.get('offer') ?? undefined,
  }
}

function paramsOf({ q, sorting, offer }: MarketState): URLSearchParams {
  const sort = `${sorting.descending ? '-' : ''}${sorting.key}`
  return new URLSearchParams([
    ...(q === '' ? [] : [['q', q]]),
    ...(sort === CHEAPEST.key ? [] : [['sort', sort]]),
    ...(offer === undefined ? [] : [['offer', offer]]),
  ])
}

/** `-score` is the highest score first, as in the command line. */
function sortingOf(text: string): Sorting {
  const key = text.replace(/^-/, '')
  return sortableKeys.has(key) ? { key, descending: text.startsWith('-') } : CHEAPEST
}

import { useCallback, useMemo } from 'react'
import type { Column } from '../ui/table.tsx'
import { useKept } from '../ui/use-kept.ts'
import { columns, USUAL_COLUMNS } from './columns.tsx'
import type { Offer } from './offer.ts'

/** How the list looks in this browser. */
export interface MarketLook {
  readonly columns: readonly Column<Offer>[]
  readonly setColumns: (keys: readonly string[]) => void
  readonly density: 'compact' | 'roomy'
  readonly toggleDensity: () => void
  readonly hasPlot: boolean
  readonly togglePlot: () => void
}

const PHONE_PX = 720

/** What was chosen before, or what is usual: on a phone the list alone. */
export function useMarketLook(): MarketLook {
  const [keys, setColumns] = useKept('market-columns', readKeys)
  const [density, setDensity] = useKept('market-density', (kept) =>
    kept === 'roomy' ? 'roomy' : 'compact',
  )
  const [hasPlot, setPlot] = useKept('market-plot', (kept) =>
    typeof kept === 'boolean' ? kept : window.innerWidth >= PHONE_PX,
  )
  const shown = useMemo(() => columns.filter(({ key }) => keys.includes(key)), [keys])
  return {
    columns: shown,
    setColumns,
    density,
    toggleDensity: useCallback(
      () => setDensity(density === 'compact' ? 'roomy' : 'compact'),
      [density, setDensity],
    ),
    hasPlot,
    togglePlot: useCallback(() => setPlot(!hasPlot), [hasPlot, setPlot]),
  }
}

function readKeys(kept: unknown): readonly string[] {
  const known = new Set(columns.map(({ key }) => key))
  const keys = Array.isArray(kept) ? kept.filter((key) => known.has(key)) : []
  return keys.length === 0 ? USUAL_COLUMNS : keys
}

import { ChartScatter, Columns3, Rows3, Rows4, SearchX, Store } from 'lucide-react'
import { type ReactNode, useDeferredValue, useMemo, useRef } from 'react'
import { type PaletteCommand, useProvideCommands } from '../app/palette-commands.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ChoiceMenu } from '../ui/menu.tsx'
import { Page } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { Table } from '../ui/table.tsx'
import { columns, NarrowOffer, USUAL_COLUMNS } from './columns.tsx'
import type { Offer } from './offer.ts'
import { OfferPanel } from './offer-panel.tsx'
import { useKnownValues, useOffers } from './offers-data.ts'
import { QueryBar } from './query-bar.tsx'
import { QuickFilters } from './quick-filters.tsx'
import { Scatter } from './scatter.tsx'
import { useFound } from './use-found.ts'
import { type MarketLook, useMarketLook } from './use-market-look.ts'
import { type MarketState, useMarketState } from './use-market-state.ts'
import './market.css'

const NONE: readonly Offer[] = []

/** Every standing offer of the market that this node knows: asked for in its language, compared, looked into, rented. */
export function MarketPage() {
  const [state, change] = useMarketState()
  const look = useMarketLook()
  const { data, error, isPending, refetch } = useOffers()
  const offers = data?.items ?? NONE
  const known = useKnownValues(offers)
  const found = useFound(offers, useDeferredValue(state.q), state.sorting)
  useProvideCommands(useCommands(look, change))
  const body = useRef<HTMLDivElement>(null)
  const setQuery = (q: string): void => change({ q })
  const open = ({ id }: Offer): void => change({ offer: id === state.offer ? undefined : id })
  return (
    <Page
      title="Market"
      fills
      aside={data === undefined ? null : countText(found.offers.length, offers.length)}
      actions={<LookTools look={look} />}
    >
      <div className="market-tools">
        <QueryBar text={state.q} onChange={setQuery} problem={found.problem} known={known} />
        <QuickFilters text={state.q} onChange={setQuery} offers={offers} />
      </div>
      {isPending ? <SkeletonRows rows={14} label="Loading the offers" /> : null}
      {data === undefined && error !== null ? (
        <Problem error={error} onRetry={() => void refetch()} />
      ) : null}
      {data === undefined ? null : (
        <div className="market-body" ref={body}>
          <div className="market-list">
            {look.hasPlot && found.offers.length > 0 ? (
              <Scatter offers={found.offers} selected={state.offer} onOpen={open} />
            ) : null}
            <Table
              label="Offers"
              fills
              columns={look.columns}
              rows={found.offers}
              rowKey={({ id }) => id}
              sorting={state.sorting}
              onSort={(sorting) => change({ sorting })}
              selected={state.offer}
              onOpen={open}
              density={look.density}
              narrow={(offer) => <NarrowOffer offer={offer} />}
              empty={<Nothing total={offers.length} onClear={() => setQuery('')} />}
            />
          </div>
          {state.offer === undefined ? null : (
            <OfferPanel
              offer={offers.find(({ id }) => id === state.offer)}
              beside={body}
              onClose={() => change({ offer: undefined })}
            />
          )}
        </div>
      )}
    </Page>
  )
}

const countText = (found: number, all: number): string =>
  `${found === all ? '' : `${found.toLocaleString('en')} of `}${all.toLocaleString('en')} ${all === 1 ? 'offer' : 'offers'}`

function Nothing({ total, onClear }: { total: number; onClear: () => void }): ReactNode {
  return total === 0 ? (
    <EmptyState icon={<Store aria-hidden="true" />} title="No offer stands">
      This node hears offers from its peers; the first ones may take a moment. If none comes, look
      whether it has peers: <code>compute-node peers</code>.
    </EmptyState>
  ) : (
    <EmptyState
      icon={<SearchX aria-hidden="true" />}
      title="No standing offer matches"
      actions={<Button onPress={onClear}>Clear the query</Button>}
    >
      Take a condition out, or show let ones too: <code>compute-node rent --wait</code> takes a
      place in the queue of one.
    </EmptyState>
  )
}

function LookTools({ look }: { look: MarketLook }) {
  return (
    <>
      <Button
        kind="quiet"
        icon={<ChartScatter aria-hidden="true" />}
        label={look.hasPlot ? 'Hide the plot' : 'Show the plot'}
        onPress={look.togglePlot}
      />
      <Button
        kind="quiet"
        icon={
          look.density === 'compact' ? <Rows3 aria-hidden="true" /> : <Rows4 aria-hidden="true" />
        }
        label={look.density === 'compact' ? 'Roomy rows' : 'Compact rows'}
        onPress={look.toggleDensity}
      />
      <ChoiceMenu
        label="Columns"
        icon={<Columns3 aria-hidden="true" />}
        mode="many"
        entries={columns.map(({ key, title }) => ({ id: key, title }))}
        chosen={look.columns.map(({ key }) => key)}
        onChange={(chosen) => look.setColumns(chosen.length === 0 ? USUAL_COLUMNS : chosen)}
      />
    </>
  )
}

function useCommands(
  { togglePlot, toggleDensity }: MarketLook,
  change: (part: Partial<MarketState>) => void,
): readonly PaletteCommand[] {
  return useMemo(
    () => [
      {
        title: 'Show the best value first',
        run: () => change({ sorting: { key: 'value', descending: true } }),
      },
      {
        title: 'Show the cheapest first',
        run: () => change({ sorting: { key: 'dph', descending: false } }),
      },
      { title: 'Show verified offers only', run: () => change({ q: 'verified=true' }) },
      { title: 'Clear the query', run: () => change({ q: '' }) },
      { title: 'Show or hide the plot', run: togglePlot },
      { title: 'Change the height of rows', run: toggleDensity },
    ],
    [togglePlot, toggleDensity, change],
  )
}

import { Store } from 'lucide-react'
import { useNode } from '../app/node-data.tsx'
import { Badge } from '../ui/badge.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Money } from '../ui/money.tsx'
import { Page } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { type Column, Table } from '../ui/table.tsx'
import type { Offer } from './offer.ts'
import { modelOf } from './offer.ts'

const OFFER_EVENTS = ['offer-seen', 'offer-withdrawn', 'offer-expired', 'miner-scored'] as const

const columns: readonly Column<Offer>[] = [
  { key: 'gpu_name', title: 'Model', width: 'minmax(180px, 2fr)', cell: modelOf },
  { key: 'num_gpus', title: 'GPUs', width: '56px', align: 'right', cell: (o) => o.num_gpus ?? 0 },
  {
    key: 'dph',
    title: 'Price',
    width: '110px',
    align: 'right',
    cell: (o) => <Money amount={o.dph} asset={o.asset} per="/h" />,
  },
  {
    key: 'verified',
    title: 'Proof',
    width: '90px',
    cell: (o) => (o.verified === true ? <Badge tone="good">verified</Badge> : <Badge>none</Badge>),
  },
]

/** Every standing offer of the market that this node knows. */
export function MarketPage() {
  const { data, error, isPending, refetch } = useNode<{ items: readonly Offer[] }>('/v1/offers', {
    events: OFFER_EVENTS,
  })
  return (
    <Page title="Market" fills aside={data === undefined ? null : `${data.items.length} offers`}>
      {isPending ? <SkeletonRows label="Loading the offers" /> : null}
      {data === undefined && error !== null ? (
        <Problem error={error} onRetry={() => void refetch()} />
      ) : null}
      {data === undefined ? null : (
        <Table
          label="Offers"
          fills
          columns={columns}
          rows={data.items}
          rowKey={({ id }) => id}
          narrow={(offer) => (
            <>
              {modelOf(offer)} <Money amount={offer.dph} asset={offer.asset} per="/h" />
            </>
          )}
          empty={
            <EmptyState icon={<Store aria-hidden="true" />} title="No offer stands">
              This node hears offers from its peers; the first ones may take a moment.
            </EmptyState>
          }
        />
      )}
    </Page>
  )
}

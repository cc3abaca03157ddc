import { useQueryClient } from '@tanstack/react-query'
import { Store } from 'lucide-react'
import { type SyntheticEvent, useState } from 'react'
import { useLocation, useParams } from 'wouter'
import type { Lease } from '../../api/leases.ts'
import type { Offer } from '../../api/offers.ts'
import { useNode } from '../app/node-data.tsx'
import { leasePath } from '../leases/use-leases.ts'
import { LinkButton } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Page } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { deviceNames } from './offer-facts.ts'
import { RentSummary } from './rent-summary.tsx'
import { useOrder } from './use-order.ts'
import { emptyWish, faultsOf, type Wish } from './wish.ts'
import { WishForm } from './wish-form.tsx'
import './rent.css'

/** An offer by its id, free or let. */
const offerPath = (id: string, free: boolean): string =>
  `/v1/offers?${new URLSearchParams({ q: `id=${id} rentable=${free}` })}`

const EVENTS = ['offer-seen', 'offer-withdrawn', 'offer-expired'] as const

/** From an offer to a lease: what shall run, for how long, what it costs, and the way into it. */
export function RentPage() {
  const { offer: id = '' } = useParams<{ offer: string }>()
  const free = useNode<{ items: readonly Offer[] }>(offerPath(id, true), { events: EVENTS })
  const taken = useNode<{ items: readonly Offer[] }>(offerPath(id, false), { events: EVENTS })
  const offer = free.data?.items[0] ?? taken.data?.items[0]
  // While it is filled in, an offer may be let or renewed: what was read stays until another is.
  const [read, setRead] = useState<Offer>()
  if (offer !== undefined && offer !== read) setRead(offer)
  const known = offer ?? read
  if (known !== undefined) {
    return (
      <Rent
        offer={known}
        isTaken={free.data?.items[0] === undefined}
        isGone={offer === undefined}
      />
    )
  }
  return (
    <Page title="Rent">
      {free.isPending || taken.isPending ? <SkeletonRows label="Loading the offer" /> : null}
      {free.error !== null ? (
        <Problem error={free.error} onRetry={() => void free.refetch()} />
      ) : free.data !== undefined && taken.data !== undefined ? (
        <EmptyState
          icon={<Store aria-hidden="true" />}
          title="This offer does not stand any more"
          actions={
            <LinkButton to="/market" kind="primary">
              Other offers
            </LinkButton>
          }
        >
          Its miner took it back, or let it expire.
        </EmptyState>
      ) : null}
    </Page>
  )
}

interface RentProps {
  readonly offer: Offer
  readonly isTaken: boolean
  readonly isGone: boolean
}

function Rent({ offer, isTaken, isGone }: RentProps) {
  const [typed, setWish] = useState<Wish>(emptyWish)
  const [wasSent, setSent] = useState(false)
  const client = useQueryClient()
  const [, navigate] = useLocation()
  const wish = isTaken ? { ...typed, waits: true } : typed
  const faults = faultsOf(wish)
  const order = useOrder(offer.id, (lease: Lease) => {
    client.setQueryData([leasePath(lease.id)], lease)
    navigate(`/leases/${lease.id}`)
  })
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    setSent(true)
    if (Object.keys(faults).length > 0) {
      requestAnimationFrame(() =>
        document
          .querySelector<HTMLElement>('.wish [aria-invalid="true"], .wish [data-invalid] input')
          ?.focus(),
      )
      return
    }
    order.begin(wish)
    // A login is for this order alone.
    setWish({ ...typed, username: '', password: '' })
  }
  const isAsking = order.state.kind === 'asking'
  return (
    <Page title="Rent" aside={deviceNames(offer)}>
      <form className="rent" onSubmit={submit} noValidate autoComplete="off">
        <WishForm
          wish={wish}
          onChange={setWish}
          offer={offer}
          faults={wasSent ? faults : {}}
          isTaken={isTaken}
          isDisabled={isAsking}
        />
        <RentSummary offer={offer} wish={wish} order={order} isTaken={isTaken} isGone={isGone} />
      </form>
    </Page>
  )
}

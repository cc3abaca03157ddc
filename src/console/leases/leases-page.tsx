import { Boxes } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import type { Lease } from '../../api/leases.ts'
import { StateDot } from '../ui/badge.tsx'
import { LinkButton } from '../ui/button.tsx'
import { Ago } from '../ui/duration.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Money } from '../ui/money.tsx'
import { Page } from '../ui/page.tsx'
import { Peer } from '../ui/peer.tsx'
import { Problem } from '../ui/problem.tsx'
import { Select } from '../ui/select.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { sumOf } from './amount.ts'
import { nameOf, signOf } from './lease-sign.ts'
import { TimeLeft } from './time-left.tsx'
import { useLeases } from './use-leases.ts'
import './leases.css'

type Shown = 'all' | 'running' | 'over'

const filters: Readonly<Record<Shown, (lease: Lease) => boolean>> = {
  all: () => true,
  running: ({ over }) => !over,
  over: ({ over }) => over,
}

const columns: readonly Column<Lease>[] = [
  { key: 'state', title: 'State', width: '112px', cell: (lease) => <Sign lease={lease} /> },
  {
    key: 'name',
    title: 'Lease',
    width: 'minmax(130px, 1.2fr)',
    cell: (lease) => <Name {...lease} />,
  },
  {
    key: 'image',
    title: 'Image',
    width: 'minmax(140px, 2fr)',
    yields: 1,
    cell: ({ image }) => <code>{image}</code>,
  },
  {
    key: 'dph',
    title: 'Price',
    width: '112px',
    align: 'right',
    cell: ({ dph, asset }) => <Money amount={dph} asset={asset} per="/h" />,
  },
  {
    key: 'owed',
    title: 'Cost so far',
    width: '132px',
    align: 'right',
    hint: 'By the newest receipt; what was paid once it is over',
    cell: ({ owed, settled, asset }) => <Money amount={settled ?? owed} asset={asset} />,
  },
  { key: 'left', title: 'Time left', width: '144px', cell: (lease) => <When lease={lease} /> },
  {
    key: 'miner',
    title: 'Miner',
    width: '150px',
    yields: 2,
    cell: ({ miner }) => <Peer id={miner} what="miner" />,
  },
]

/** Every lease of this node: what runs first, what it costs, how long it still does. */
export function LeasesPage() {
  const { data, error, isPending, refetch } = useLeases()
  const [shown, setShown] = useState<Shown>('all')
  const [, navigate] = useLocation()
  const all = data?.items ?? []
  const rows = all.filter(filters[shown]).toSorted((a, b) => Number(a.over) - Number(b.over))
  return (
    <Page
      title="Leases"
      fills
      aside={data === undefined ? null : <Summary leases={all} />}
      actions={
        all.length === 0 ? null : (
          <Select
            label="Show"
            hidesLabel
            value={shown}
            onChange={(id) => setShown(id as Shown)}
            options={[
              { id: 'all', title: 'All' },
              { id: 'running', title: 'Running' },
              { id: 'over', title: 'Over' },
            ]}
          />
        )
      }
    >
      {isPending ? <SkeletonRows label="Loading the leases" /> : null}
      {data === undefined && error !== null ? (
        <Problem error={error} onRetry={() => void refetch()} />
      ) : null}
      {data === undefined ? null : (
        <Table
          label="Leases"
          fills
          columns={columns}
          rows={rows}
          rowKey={({ id }) => id}
          onOpen={({ id }) => navigate(`/leases/${id}`)}
          narrow={(lease) => <Narrow lease={lease} />}
          empty={
            <EmptyState
              icon={<Boxes aria-hidden="true" />}
              title={shown === 'all' ? 'Nothing is rented yet' : 'No lease is like that'}
              actions={
                <LinkButton to="/market" kind="primary">
                  Find a GPU
                </LinkButton>
              }
            >
              A lease is a container of yours on somebody’s machine, by the hour. The market shows
              what can be had now.
            </EmptyState>
          }
        />
      )}
    </Page>
  )
}

/** How many run, and what they cost together. */
function Summary({ leases }: { leases: readonly Lease[] }) {
  const running = leases.filter(({ over }) => !over)
  const assets = [...new Set(running.map(({ asset }) => asset))]
  return (
    <>
      {running.length} running
      {assets.map((asset) => (
        <span key={asset}>
          {', '}
          <Money
            amount={sumOf(running.filter((one) => one.asset === asset).map(({ dph }) => dph))}
            asset={asset}
            per="/h"
          />
        </span>
      ))}
    </>
  )
}

function Sign({ lease }: { lease: Lease }) {
  const { tone, word } = signOf(lease)
  return <StateDot tone={tone}>{word}</StateDot>
}

function Name(lease: Lease) {
  return (
    <span className="lease-name">
      <strong>{nameOf(lease)}</strong>
      {lease.labels['name'] === undefined ? null : (
        <span className="faint mono"> {lease.id.slice(0, 8)}</span>
      )}
    </span>
  )
}

function When({ lease }: { lease: Lease }) {
  if (lease.over) {
    return (
      <span className="faint">
        {lease.ending === null ? 'over' : <Ago atMs={endedAt(lease)} />}
      </span>
    )
  }
  return <TimeLeft lease={lease} />
}

/** It ended at its start and the time it was served, or never began. */
const endedAt = ({ startedAtMs, createdAtMs, upMs }: Lease): number =>
  (startedAtMs ?? createdAtMs) + upMs

function Narrow({ lease }: { lease: Lease }) {
  return (
    <span className="lease-narrow">
      <span>
        <Sign lease={lease} />
        <strong>{nameOf(lease)}</strong>
      </span>
      <span className="soft">
        <code>{lease.image}</code>
        {lease.over ? (
          <Money amount={lease.settled ?? lease.owed} asset={lease.asset} />
        ) : (
          <Money amount={lease.dph} asset={lease.asset} per="/h" />
        )}
      </span>
    </span>
  )
}

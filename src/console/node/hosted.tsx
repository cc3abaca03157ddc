import { Server } from 'lucide-react'
import type { NodeStatus } from '../../api/status.ts'
import { StateDot } from '../ui/badge.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { durationText } from '../ui/format.ts'
import { Money } from '../ui/money.tsx'
import { Peer } from '../ui/peer.tsx'
import { type Column, Table } from '../ui/table.tsx'
import type { Tone } from '../ui/tone.ts'

type HostedLease = NonNullable<NodeStatus['hosted']>[number]

const toneOf = ({ state, health }: HostedLease): Tone => {
  if (health === 'failed' || state === 'FAILED') return 'bad'
  if (state === 'ACTIVE') return 'good'
  return ['GRACE', 'SUSPENDED', 'CLOSING'].includes(state) ? 'warn' : 'info'
}

const State = ({ lease }: { lease: HostedLease }) => (
  <StateDot tone={toneOf(lease)}>{lease.state.toLowerCase()}</StateDot>
)

/** What there is to know of it: what its renter is told, or why it ends. */
const wordOf = ({ notice, reason, leftMs, state }: HostedLease): string =>
  reason ??
  notice ??
  (leftMs === null
    ? ''
    : `${state === 'SUSPENDED' ? 'closed' : 'paused'} in ${durationText(leftMs)} if nothing is countersigned`)

const columns: readonly Column<HostedLease>[] = [
  {
    key: 'lease',
    title: 'Lease',
    width: 'minmax(110px, 1fr)',
    cell: ({ id }) => <code title={id}>{id.slice(0, 12)}</code>,
  },
  { key: 'state', title: 'State', width: '110px', cell: (lease) => <State lease={lease} /> },
  {
    key: 'renter',
    title: 'Renter',
    width: '150px',
    yields: 1,
    cell: ({ renter }) => <Peer id={renter} what="the renter's peer id" />,
  },
  {
    key: 'owed',
    title: 'Owed',
    width: '120px',
    align: 'right',
    cell: ({ owed, asset }) => <Money amount={owed} asset={asset} />,
  },
  {
    key: 'signed',
    title: 'Countersigned',
    width: '120px',
    align: 'right',
    cell: ({ acknowledged, asset }) => <Money amount={acknowledged} asset={asset} />,
  },
  { key: 'word', title: '', width: 'minmax(160px, 2fr)', cell: wordOf },
]

/** The leases of a miner that are not over. */
export function Hosted({ leases }: { leases: readonly HostedLease[] }) {
  if (leases.length === 0) {
    return (
      <EmptyState icon={<Server aria-hidden="true" />} title="No lease runs here">
        Renters find this miner by its offer; what raises its score lets it stand higher.
      </EmptyState>
    )
  }
  return (
    <div className="node-table">
      <Table
        label="Leases here"
        columns={columns}
        rows={leases}
        rowKey={({ id, renter }) => `${id}${renter}`}
        narrow={(lease) => (
          <span className="node-narrow">
            <span>
              <State lease={lease} /> <Money amount={lease.owed} asset={lease.asset} />
            </span>
            <span className="soft">{wordOf(lease) || lease.id.slice(0, 16)}</span>
          </span>
        )}
      />
    </div>
  )
}

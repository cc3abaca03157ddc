import { useState } from 'react'
import type { KnownPeer } from '../../api/overview.ts'
import { Badge } from '../ui/badge.tsx'
import { Ago } from '../ui/duration.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Peer } from '../ui/peer.tsx'
import type { Sorting } from '../ui/sorting.ts'
import { type Column, Table } from '../ui/table.tsx'
import { addressText, kindOf, rttText, sorted } from './peer-words.ts'

const Roles = ({ peer: { roles } }: { peer: KnownPeer }) =>
  roles.length === 0 ? (
    <span className="faint">none told</span>
  ) : (
    <span className="peer-roles">
      {roles.map((role) => (
        <Badge key={role} tone={role === 'relay' ? 'neutral' : 'info'}>
          {role}
        </Badge>
      ))}
    </span>
  )

const columns: readonly Column<KnownPeer>[] = [
  {
    key: 'peer',
    title: 'Peer',
    width: '150px',
    isSortable: true,
    cell: ({ peerId }) => <Peer id={peerId} />,
  },
  {
    key: 'roles',
    title: 'Roles',
    width: 'minmax(110px, 1fr)',
    isSortable: true,
    hint: 'as its protocols, its devices and the chain tell; a renter tells nobody',
    cell: (peer) => <Roles peer={peer} />,
  },
  {
    key: 'addr',
    title: 'Address',
    width: 'minmax(150px, 1fr)',
    isSortable: true,
    cell: ({ addr }) => (
      <span className="mono" title={addr}>
        {addressText(addr)}
      </span>
    ),
  },
  { key: 'kind', title: 'Connection', width: '120px', cell: kindOf },
  {
    key: 'encryption',
    title: 'Secured by',
    width: '90px',
    yields: 2,
    cell: ({ encryption }) => encryption.replace(/^\//, '').split('/')[0] ?? '–',
  },
  {
    key: 'version',
    title: 'Version',
    width: '80px',
    yields: 3,
    isSortable: true,
    hint: 'as its capability record says',
    cell: ({ version, agent }) => <span title={agent ?? ''}>{version ?? '–'}</span>,
  },
  {
    key: 'rtt',
    title: 'Latency',
    width: '80px',
    align: 'right',
    isSortable: true,
    hint: 'there and back, measured twice a minute',
    cell: rttText,
  },
  {
    key: 'since',
    title: 'Connected',
    width: '120px',
    yields: 1,
    align: 'right',
    isSortable: true,
    cell: ({ sinceMs }) => <Ago atMs={sinceMs} />,
  },
]

/** Every peer that this node is connected to. */
export function Peers({ peers }: { peers: readonly KnownPeer[] }) {
  const [sorting, setSorting] = useState<Sorting>({ key: 'roles', descending: false })
  return (
    <Table
      label="Peers"
      columns={columns}
      rows={sorted(peers, sorting.key, sorting.descending)}
      rowKey={({ peerId }) => peerId}
      sorting={sorting}
      onSort={setSorting}
      narrow={(peer) => (
        <span className="peer-narrow">
          <span>
            <Peer id={peer.peerId} /> <Roles peer={peer} />
          </span>
          <span className="soft num">
            {addressText(peer.addr)}, {kindOf(peer)}, {rttText(peer)}
          </span>
        </span>
      )}
      empty={
        <EmptyState title="This node knows nobody">
          It joins through <code>--bootstrap ADDRESS</code> of a peer that is there, and tries again
          by itself.
        </EmptyState>
      }
    />
  )
}

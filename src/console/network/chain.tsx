import type { BindingsAnswer } from '../../api/network.ts'
import type { NetworkState } from '../../api/overview.ts'
import { useNode } from '../app/node-data.tsx'
import { StateDot } from '../ui/badge.tsx'
import { Copyable } from '../ui/copyable.tsx'
import { Ago } from '../ui/duration.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Facts } from '../ui/facts.tsx'
import { Section } from '../ui/page.tsx'
import { Peer } from '../ui/peer.tsx'
import { type Column, Table } from '../ui/table.tsx'

/** Blocks behind after which a reading counts as late: it is made every other one. */
const LATE_BLOCKS = 12

/** Where this node stands with its chain. */
export function ChainSection({ chain }: { chain: NetworkState['chain'] }) {
  if (chain === null) {
    return (
      <Section title="Chain">
        <p className="soft">
          This node asks no chain. With <code>--chain URL</code> it knows whose testimony counts.
        </p>
      </Section>
    )
  }
  const { finalBlock, readBlock, readAtMs } = chain
  const lag = finalBlock === null || readBlock === null ? null : finalBlock - readBlock
  return (
    <Section title="Chain">
      <Facts
        items={[
          [
            'Endpoint',
            <StateDot key="endpoint" tone={finalBlock === null ? 'bad' : 'good'}>
              <span className="wraps">{chain.endpoint ?? 'none answered yet'}</span>
            </StateDot>,
          ],
          ['Preferred', chain.rank === null ? undefined : rankText(chain.rank)],
          ['Runtime', chain.runtime ?? undefined],
          ['Final block', finalBlock ?? 'the endpoint does not answer'],
          ['Read at block', readBlock ?? 'not read yet'],
          ['Behind', lag === null ? undefined : <Lag key="lag" blocks={lag} />],
          [
            'Made',
            readAtMs === null ? undefined : <Ago key="at" atMs={Math.min(readAtMs, Date.now())} />,
          ],
          [
            'Epoch',
            chain.epoch === null
              ? undefined
              : `${chain.epoch}, ${chain.blocksLeft ?? '?'} blocks left`,
          ],
          ['Hotkeys', `${chain.neurons} registered, ${chain.bound} with a peer`],
          ['Validators', chain.validators],
        ]}
      />
    </Section>
  )
}

const rankText = (rank: number): string =>
  rank === 1 ? 'the first choice' : `choice ${rank}: those before it do not answer`

const Lag = ({ blocks }: { blocks: number }) => (
  <StateDot tone={blocks > LATE_BLOCKS ? 'warn' : 'good'}>
    {blocks === 0 ? 'not at all' : blocks === 1 ? '1 block' : `${blocks} blocks`}
  </StateDot>
)

type Binding = BindingsAnswer['items'][number]

const columns: readonly Column<Binding>[] = [
  { key: 'uid', title: 'Uid', width: '60px', cell: ({ uid }) => uid },
  {
    key: 'hotkey',
    title: 'Hotkey',
    width: 'minmax(150px, 1fr)',
    cell: ({ hotkey }) => (
      <Copyable text={hotkey} shown={`${hotkey.slice(0, 8)}…${hotkey.slice(-4)}`} what="hotkey" />
    ),
  },
  {
    key: 'peer',
    title: 'Peer',
    width: 'minmax(150px, 1fr)',
    cell: ({ peerId }) => <Peer id={peerId} />,
  },
  {
    key: 'since',
    title: 'Since block',
    width: '110px',
    align: 'right',
    cell: ({ sinceBlock }) => sinceBlock,
  },
  {
    key: 'until',
    title: 'Until block',
    width: '110px',
    align: 'right',
    cell: ({ expiresAtBlock }) => expiresAtBlock,
  },
]

/** Which peers work for which hotkeys. */
export function Bindings() {
  const { data } = useNode<BindingsAnswer>('/v1/bindings', { events: ['chain-read'] })
  if (data === undefined || data.block === null) return null
  return (
    <Section title="Bindings">
      <div className="network-table">
        <Table
          label="Bindings"
          columns={columns}
          rows={data.items.toSorted((a, b) => a.uid - b.uid)}
          rowKey={({ peerId }) => peerId}
          narrow={({ uid, hotkey, peerId }) => (
            <span className="peer-narrow">
              <span>
                <span className="num">uid {uid}</span> <Peer id={peerId} />
              </span>
              <span className="mono soft">{hotkey.slice(0, 24)}…</span>
            </span>
          )}
          empty={<EmptyState title="No peer is bound to a hotkey" />}
        />
      </div>
    </Section>
  )
}

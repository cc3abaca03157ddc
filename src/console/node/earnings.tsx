import { Coins } from 'lucide-react'
import type { NetworkState } from '../../api/overview.ts'
import { useNode } from '../app/node-data.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Figure } from '../ui/facts.tsx'
import { moneyText } from '../ui/format.ts'
import { Section } from '../ui/page.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { alphaOf, alphaText, type Earning, earningsOf, sumOf } from './earning-rows.ts'

const EVENTS = ['earnings-recorded'] as const
const SHOWN_EPOCHS = 120

interface Bound {
  readonly items: readonly { readonly peerId: string; readonly hotkey: string }[]
}

/** What this node's hotkey earned, epoch by epoch, as this node recorded it. */
export function EarningsSection({ peerId }: { peerId: string }) {
  const { data: bindings } = useNode<Bound>('/v1/bindings', { events: ['chain-read'] })
  const { data: network } = useNode<NetworkState>('/v1/network', { everyMs: 15_000 })
  const hotkey = bindings?.items.find((one) => one.peerId === peerId)?.hotkey
  const epoch = network?.chain?.epoch ?? undefined
  if (hotkey === undefined || epoch === undefined) {
    return (
      <Section title="Earnings">
        <EmptyState icon={<Coins aria-hidden="true" />} title="No hotkey is bound to this node">
          A hotkey earns for the peers that it bound: <code>compute-node chain bind</code>.
        </EmptyState>
      </Section>
    )
  }
  return <Recorded hotkey={hotkey} epoch={epoch} />
}

const blockOf = (epoch: number): number => epoch - (epoch % SHOWN_EPOCHS)

function Recorded({ hotkey, epoch }: { hotkey: string; epoch: number }) {
  // Another question in each block of epochs, not in each one: the answer stays in place as epochs pass.
  const from = blockOf(Math.max(0, epoch - SHOWN_EPOCHS))
  const { data } = useNode<{ readonly items: readonly string[] }>(
    `/v1/earnings?hotkey=${hotkey}&from=${from}&to=${from + 3 * SHOWN_EPOCHS}`,
    { events: EVENTS },
  )
  const earnings = earningsOf(data?.items ?? []).slice(-SHOWN_EPOCHS)
  const newest = earnings.at(-1)
  return (
    <Section title="Earnings">
      {newest === undefined ? (
        <EmptyState icon={<Coins aria-hidden="true" />} title="No epoch is recorded yet">
          The node records each epoch’s emission as it ends, from its first start on.
        </EmptyState>
      ) : (
        <>
          <div className="node-figures">
            <Figure name="Last epoch" note={`epoch ${newest.epoch}`}>
              {newest.state === 'read' ? moneyText(alphaText(newest.emission), 4) : '–'}{' '}
              <span className="faint">alpha</span>
            </Figure>
            <Figure name={`Last ${earnings.length} epochs`} note="recorded by this node">
              {moneyText(alphaText(sumOf(earnings)), 4)} <span className="faint">alpha</span>
            </Figure>
          </div>
          <div className="earned">
            <Bars earnings={earnings} />
            <div className="node-table node-table-short">
              <Table
                label="Earnings per epoch"
                columns={columns}
                rows={earnings.toReversed()}
                rowKey={(row) => String(row.epoch)}
                fills
                narrow={(row) => (
                  <span className="node-narrow">
                    <span>
                      Epoch {row.epoch} <strong className="num">{amountOf(row)}</strong>
                    </span>
                    <span className="soft num">block {row.block ?? '–'}</span>
                  </span>
                )}
              />
            </div>
          </div>
        </>
      )}
    </Section>
  )
}

const amountOf = (row: Earning): string => {
  if (row.state === 'read') return moneyText(alphaText(row.emission), 6)
  return row.state === 'unregistered' ? 'not registered' : 'not read'
}

const ofAll = (share: number): string => `${((share / 65_535) * 100).toFixed(1)} %`

const columns: readonly Column<Earning>[] = [
  { key: 'epoch', title: 'Epoch', width: '60px', cell: ({ epoch }) => epoch },
  {
    key: 'block',
    title: 'Block',
    width: '70px',
    align: 'right',
    cell: ({ block }) => block ?? '–',
  },
  { key: 'emission', title: 'Alpha', width: 'minmax(90px, 1fr)', align: 'right', cell: amountOf },
  {
    key: 'incentive',
    title: 'Incentive',
    width: '80px',
    align: 'right',
    cell: (row) => (row.state === 'read' ? ofAll(row.incentive) : '–'),
  },
  {
    key: 'dividends',
    title: 'Dividends',
    width: '80px',
    align: 'right',
    cell: (row) => (row.state === 'read' ? ofAll(row.dividends) : '–'),
  },
]

/** A bar for each epoch, the newest at the right; the table below has the figures. */
function Bars({ earnings }: { earnings: readonly Earning[] }) {
  const most = Math.max(...earnings.map((one) => alphaOf(one) ?? 0), Number.MIN_VALUE)
  const newest = earnings.at(-1)
  const label = `Alpha per epoch, ${earnings[0]?.epoch} to ${newest?.epoch}; at most ${most.toFixed(4)}`
  return (
    <div className="bars" role="img" aria-label={label}>
      {earnings.map((one) => {
        const alpha = alphaOf(one)
        return (
          <span
            key={one.epoch}
            className={alpha === null ? 'bar-gap' : ''}
            title={`epoch ${one.epoch}: ${amountOf(one)}`}
            style={{ height: `${((alpha ?? 0) / most) * 100}%` }}
          />
        )
      })}
    </div>
  )
}

import { BadgeCheck, Download, ReceiptText } from 'lucide-react'
import type { Lease } from '../../api/leases.ts'
import { useNode } from '../app/node-data.tsx'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Figure } from '../ui/facts.tsx'
import { durationText, momentText } from '../ui/format.ts'
import { Money } from '../ui/money.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { saveBlob } from './save-blob.ts'
import { leasePath } from './use-leases.ts'

interface ReceiptRow {
  readonly seq: number
  readonly atMs: number
  readonly upMs: number
  readonly owed: string
  readonly countersigned: boolean
  readonly final: string | null
}

interface Receipts {
  readonly claimed: string
  readonly acknowledged: string
  readonly items: readonly ReceiptRow[]
  /** Base64. */
  readonly evidence: string
}

const RECEIPT_EVENTS = ['receipt-countersigned', 'lease-ended', 'lease-settled'] as const

const columns = (asset: string): readonly Column<ReceiptRow>[] => [
  { key: 'seq', title: 'No.', width: '56px', align: 'right', cell: ({ seq }) => seq },
  { key: 'at', title: 'At', width: 'minmax(170px, 1fr)', cell: ({ atMs }) => momentText(atMs) },
  {
    key: 'up',
    title: 'Served',
    width: '110px',
    align: 'right',
    cell: ({ upMs }) => durationText(upMs),
  },
  {
    key: 'owed',
    title: 'Owed in all',
    width: '150px',
    align: 'right',
    cell: ({ owed }) => <Money amount={owed} asset={asset} />,
  },
  {
    key: 'signed',
    title: 'Signed by',
    width: 'minmax(130px, 1fr)',
    cell: (row) => <Signed {...row} />,
  },
]

/** What a lease costs, and the receipts that prove it: each checked by this node, all to take along. */
export function MoneyTab({ lease }: { lease: Lease }) {
  const { data, error, isPending, refetch } = useNode<Receipts>(leasePath(lease.id, '/receipts'), {
    events: RECEIPT_EVENTS,
  })
  const { asset } = lease
  return (
    <div className="lease-scroll">
      <div className="lease-pad figures">
        <Figure
          name={lease.settled === null ? 'Owed' : 'Paid'}
          note={`for ${durationText(lease.upMs)}`}
        >
          <Money amount={lease.settled ?? lease.owed} asset={asset} />
        </Figure>
        <Figure name="Countersigned" note="what you agreed to by receipts">
          <Money amount={lease.acknowledged} asset={asset} />
        </Figure>
        <Figure name="Deposit" note="the most it can cost; the rest comes back">
          <Money amount={lease.cap} asset={asset} />
        </Figure>
        <Figure name="Price">
          <Money amount={lease.dph} asset={asset} per="/h" />
        </Figure>
        {lease.signedAhead === '0' || lease.over ? null : (
          <Figure name="Signed ahead" note="so that it runs on while you are away">
            <Money amount={lease.signedAhead} asset={asset} />
          </Figure>
        )}
      </div>
      {isPending ? <SkeletonRows rows={4} label="Loading the receipts" /> : null}
      {data === undefined && error !== null ? (
        <Problem error={error} onRetry={() => void refetch()} />
      ) : null}
      {data === undefined ? null : (
        <>
          <div className="lease-bar">
            <span className="verified">
              <BadgeCheck aria-hidden="true" />
              {data.items.length === 1 ? '1 receipt' : `${data.items.length} receipts`}, verified:
              signatures, links and amounts
            </span>
            <Button
              icon={<Download aria-hidden="true" />}
              onPress={() => saveEvidence(lease.id, data.evidence)}
            >
              Evidence
            </Button>
          </div>
          <Table
            label="Receipts"
            columns={columns(asset)}
            rows={data.items.toReversed()}
            rowKey={({ seq }) => String(seq)}
            narrow={(row) => (
              <span className="lease-narrow">
                <span>
                  <Money amount={row.owed} asset={asset} /> <Signed {...row} />
                </span>
                <span className="soft">
                  {momentText(row.atMs)}, {durationText(row.upMs)}
                </span>
              </span>
            )}
            empty={
              <EmptyState icon={<ReceiptText aria-hidden="true" />} title="No receipt yet">
                Its miner writes one every few minutes, this node checks and countersigns it.
              </EmptyState>
            }
          />
        </>
      )}
    </div>
  )
}

function Signed({ countersigned, final }: ReceiptRow) {
  return (
    <>
      {countersigned ? <Badge tone="good">both</Badge> : <Badge tone="warn">miner alone</Badge>}{' '}
      {final === null ? null : <span className="faint">last: {final}</span>}
    </>
  )
}

/** A file that `compute-node receipts --verify FILE` checks without this node. */
function saveEvidence(id: string, base64: string): void {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
  saveBlob(
    new Blob([bytes], { type: 'application/octet-stream' }),
    `lease-${id.slice(0, 12)}.evidence`,
  )
}

import { useMutation } from '@tanstack/react-query'
import { BadgeCheck, Download, ReceiptText, ShieldCheck } from 'lucide-react'
import type { Lease, ReceiptRow, ReceiptsAnswer } from '../../api/leases.ts'
import type { EvidenceAnswer } from '../../api/proofs.ts'
import { postBytes, toldOf } from '../app/api.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { durationText, momentText } from '../ui/format.ts'
import { Money } from '../ui/money.tsx'
import { Problem } from '../ui/problem.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { type Checked, evidenceBytes, wrongReceipts } from './evidence.ts'
import { ReceiptsCheck } from './receipts-check.tsx'
import { saveBlob } from './save-blob.ts'

interface Row extends ReceiptRow {
  /** What the check found wrong with it. */
  readonly wrong: string | undefined
}

const columns = (asset: string): readonly Column<Row>[] => [
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

/** Every receipt of a lease, checked by this node when it was asked for them; to check once more, and to take along. */
export function LeaseReceipts({ lease, receipts }: { lease: Lease; receipts: ReceiptsAnswer }) {
  const { id, asset } = lease
  const { items, evidence } = receipts
  const { mutate, data: checked, error, isPending } = useCheck()
  const wrong = wrongReceipts(items, checked?.finding)
  const rows = items.map((row): Row => ({ ...row, wrong: wrong.get(row.seq) })).toReversed()
  return (
    <>
      <div className="lease-bar">
        {checked?.finding.verdict === 'INVALID' ? (
          <span>The check found these receipts wrong</span>
        ) : (
          <span className="verified">
            <BadgeCheck aria-hidden="true" />
            {items.length === 1 ? '1 receipt' : `${items.length} receipts`}, verified: signatures,
            links and amounts
          </span>
        )}
        <span className="lease-bar-actions">
          <Button
            icon={<ShieldCheck aria-hidden="true" />}
            isPending={isPending}
            onPress={() => mutate(evidence)}
          >
            Check the receipts
          </Button>
          <Button
            icon={<Download aria-hidden="true" />}
            onPress={() =>
              saveBlob(
                new Blob([evidenceBytes(evidence)], { type: 'application/octet-stream' }),
                `lease-${id.slice(0, 12)}.evidence`,
              )
            }
          >
            Evidence
          </Button>
        </span>
      </div>
      {error === null ? null : <Problem error={toldOf(error)} onRetry={() => mutate(evidence)} />}
      {checked === undefined ? null : (
        <ReceiptsCheck finding={checked.finding} isOlder={checked.evidence !== evidence} />
      )}
      <Table
        label="Receipts"
        columns={columns(asset)}
        rows={rows}
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
  )
}

/** The file's bytes, checked as `compute-node receipts --verify` does. */
const useCheck = () =>
  useMutation({
    mutationFn: async (evidence: string): Promise<Checked> => ({
      evidence,
      finding: await postBytes<EvidenceAnswer>('/v1/receipts/verify', evidenceBytes(evidence)),
    }),
  })

function Signed({ countersigned, final, wrong }: Row) {
  if (wrong !== undefined) {
    return (
      <span title={wrong}>
        <Badge tone="bad">wrong</Badge> {wrong}
      </span>
    )
  }
  return (
    <>
      {countersigned ? <Badge tone="good">both</Badge> : <Badge tone="warn">miner alone</Badge>}{' '}
      {final === null ? null : <span className="faint">last: {final}</span>}
    </>
  )
}

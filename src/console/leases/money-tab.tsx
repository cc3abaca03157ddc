import type { Lease, ReceiptsAnswer } from '../../api/leases.ts'
import { useNode } from '../app/node-data.tsx'
import { Figure } from '../ui/facts.tsx'
import { durationText } from '../ui/format.ts'
import { Money } from '../ui/money.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { LeaseReceipts } from './lease-receipts.tsx'
import { leasePath } from './use-leases.ts'

const RECEIPT_EVENTS = ['receipt-countersigned', 'lease-ended', 'lease-settled'] as const

/** What a lease costs, and the receipts that prove it: each checked by this node, all to take along. */
export function MoneyTab({ lease }: { lease: Lease }) {
  const { data, error, isPending, refetch } = useNode<ReceiptsAnswer>(
    leasePath(lease.id, '/receipts'),
    {
      events: RECEIPT_EVENTS,
    },
  )
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
      {data === undefined ? null : <LeaseReceipts lease={lease} receipts={data} />}
    </div>
  )
}

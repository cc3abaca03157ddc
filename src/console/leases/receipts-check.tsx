import { Check as Passed, X } from 'lucide-react'
import type { EvidenceAnswer } from '../../api/proofs.ts'
import { Badge } from '../ui/badge.tsx'
import { Money } from '../ui/money.tsx'
import type { Check } from './evidence.ts'
import './receipts-check.css'

/** What was found in the file of a lease's receipts: the verdict, and each check in the words of the command line. */
export function ReceiptsCheck({
  finding: { verdict, receipts, claimed, acknowledged, asset = '', checks },
  isOlder,
}: {
  readonly finding: EvidenceAnswer
  /** Receipts came since. */
  readonly isOlder: boolean
}) {
  return (
    <section className="receipts-check" aria-label="Check of the receipts">
      <p className="receipts-verdict" role="status">
        <Badge tone={verdict === 'VALID' ? 'good' : 'bad'}>{verdict}</Badge>
        {claimed === undefined || acknowledged === undefined ? null : (
          <span className="soft">
            {receipts === 1 ? '1 receipt' : `${receipts} receipts`}:{' '}
            <Money amount={claimed} asset={asset} /> claimed,{' '}
            <Money amount={acknowledged} asset={asset} /> countersigned
          </span>
        )}
        {isOlder ? <span className="faint">More came since: check again.</span> : null}
      </p>
      <ol>
        {checks.map((check) => (
          <Line key={check.name} {...check} />
        ))}
      </ol>
      <p className="faint">
        Checked from the signed bytes alone, which <b>Evidence</b> saves:{' '}
        <code>compute-node receipts --verify FILE</code> finds the same without this node.
      </p>
    </section>
  )
}

const Line = ({ name, ok, detail, receipt }: Check) => (
  <li className={ok ? 'check-ok' : 'check-bad'}>
    {ok ? <Passed aria-label="ok" /> : <X aria-label="BAD" />}
    <strong>{name}</strong>
    <span>
      {receipt === undefined ? null : <span className="faint">at no. {receipt}: </span>}
      {detail}
    </span>
  </li>
)

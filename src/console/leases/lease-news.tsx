import { CircleAlert, Info } from 'lucide-react'
import type { Lease } from '../../api/leases.ts'
import { moneyText } from '../ui/format.ts'
import { faultSentence, hasStarted, signOf } from './lease-sign.ts'

/** What its renter should know now, in a strip under the title; nothing while all is well. */
export function LeaseNews({ lease }: { lease: Lease }) {
  const { tone, meaning } = signOf(lease)
  if (lease.over) return <Over lease={lease} />
  const said = [
    meaning,
    lease.dispute === null ? undefined : `Not countersigned: ${lease.dispute}.`,
    hasStarted(lease.state) && lease.progress !== null
      ? `Its miner says: ${lease.progress}.`
      : undefined,
  ].filter((text) => text !== undefined)
  if (said.length === 0) return null
  const shown = lease.dispute === null ? (tone === 'good' ? 'info' : tone) : 'bad'
  return (
    <div className={`lease-news lease-news-${shown}`} role="status">
      <Info aria-hidden="true" />
      <p>{said.join(' ')}</p>
    </div>
  )
}

function Over({ lease }: { lease: Lease }) {
  const isBad = lease.outcome === 'failed'
  const cost =
    lease.settled === null
      ? `${moneyText(lease.owed)} ${lease.asset} is owed; it is settled as soon as its miner is back.`
      : `You paid ${moneyText(lease.settled)} ${lease.asset}.`
  return (
    <div className={`lease-news lease-news-${isBad ? 'bad' : 'neutral'}`} role="status">
      {isBad ? <CircleAlert aria-hidden="true" /> : <Info aria-hidden="true" />}
      <p>
        <strong>{isBad ? 'It failed' : 'It is over'}</strong>
        {lease.reason === null ? '. ' : `: ${lease.reason}. `}
        {faultSentence(lease)} {cost}
      </p>
    </div>
  )
}

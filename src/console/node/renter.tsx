import { Wallet } from 'lucide-react'
import type { NodeStatus } from '../../api/status.ts'
import { useNode } from '../app/node-data.tsx'
import { LinkButton } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Figure } from '../ui/facts.tsx'
import { Money } from '../ui/money.tsx'
import { Section } from '../ui/page.tsx'
import type { Place } from './answers.ts'
import { useLeave } from './hosting.tsx'
import { Places } from './places.tsx'

/** What renting costs today and may cost, and where this node waits. */
export function RenterSections({ status }: { status: NodeStatus }) {
  const { data: queue } = useNode<{ readonly items: readonly Place[] }>('/v1/queue', {
    events: ['queue-place', 'queue-turn', 'queue-joined', 'queue-left'],
    everyMs: 5000,
  })
  const leave = useLeave()
  const there = (queue?.items ?? []).filter(({ where }) => where === 'there')
  const { items, day } = status.spending
  return (
    <>
      <Section title="Spending">
        {items.length === 0 ? (
          <EmptyState
            icon={<Wallet aria-hidden="true" />}
            title="Nothing is spent today"
            actions={<LinkButton to="/market">Look at the market</LinkButton>}
          >
            What a day may cost at most: <code>--max-daily-cost</code>.
          </EmptyState>
        ) : (
          items.map((one) => <Spent key={one.asset} {...one} day={day} />)
        )}
      </Section>
      {there.length === 0 ? null : (
        <Section title="Where this node waits">
          <Places label="Where this node waits" places={there} onLeave={leave.mutate} />
        </Section>
      )}
    </>
  )
}

type Item = NodeStatus['spending']['items'][number]

function Spent({ asset, spent, committed, cap, left, day }: Item & { readonly day: string }) {
  const part = cap === null || Number(cap) === 0 ? 0 : Number(committed) / Number(cap)
  return (
    <>
      <div className="node-figures">
        <Figure name="Spent today" note={`${day} UTC, by receipts`}>
          <Money amount={spent} asset={asset} />
        </Figure>
        <Figure name="May become" note="if every lease runs on">
          <Money amount={committed} asset={asset} />
        </Figure>
        <Figure name="Most of a day" note={cap === null ? '--max-daily-cost sets one' : undefined}>
          {cap === null ? 'no cap' : <Money amount={cap} asset={asset} />}
        </Figure>
        {left === null ? null : (
          <Figure name="Left">
            <Money amount={left} asset={asset} />
          </Figure>
        )}
      </div>
      {cap === null ? null : (
        <span className="meter-bar" aria-hidden="true">
          <span
            className={part >= 1 ? 'meter-over' : ''}
            style={{ width: `${Math.min(1, part) * 100}%` }}
          />
        </span>
      )}
    </>
  )
}

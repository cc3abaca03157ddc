import { Wallet } from 'lucide-react'
import type { SpendingState } from '../../api/spending.ts'
import { useAboutNode } from '../app/about-node.ts'
import { useNode } from '../app/node-data.tsx'
import { LinkButton } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Figure } from '../ui/facts.tsx'
import { moneyText } from '../ui/format.ts'
import { Money } from '../ui/money.tsx'
import { Section } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { Setting } from './setting.tsx'
import { capOf } from './setting-values.ts'
import { useChange } from './use-change.ts'

const PATH = '/v1/spending'
/** What no event tells: that the cap was changed elsewhere, or that another day began. */
const LIVE_MS = 10_000

const EVENTS = [
  'lease-running',
  'lease-extended',
  'lease-ended',
  'lease-settled',
  'receipt-countersigned',
] as const

/** What this node spent today and may spend yet, and the cap on it, changed at its place. */
export function SpendingSection() {
  const { data, error, isPending, refetch } = useNode<SpendingState>(PATH, {
    events: EVENTS,
    everyMs: LIVE_MS,
  })
  return (
    <Section title="Spending">
      {isPending ? <SkeletonRows rows={3} label="Loading what is spent" /> : null}
      {data === undefined && error !== null ? (
        <Problem error={error} onRetry={() => void refetch()} />
      ) : null}
      {data === undefined ? null : <Spending state={data} />}
    </Section>
  )
}

function Spending({ state }: { state: SpendingState }) {
  const { items, day } = state
  return (
    <>
      {items.length === 0 ? (
        <EmptyState
          icon={<Wallet aria-hidden="true" />}
          title="Nothing is spent today"
          actions={<LinkButton to="/market">Look at the market</LinkButton>}
        >
          What all leases may cost in a day is bounded by the cap below.
        </EmptyState>
      ) : (
        items.map((one) => <Spent key={one.asset} {...one} day={day} />)
      )}
      <Cap state={state} />
    </>
  )
}

function Cap({ state: { maxDailyCost, items } }: { state: SpendingState }) {
  const { save } = useChange<SpendingState>(PATH, 'The cap holds from now on')
  const { data: about } = useAboutNode()
  const [only, ...others] = items.map(({ asset }) => asset)
  const unit = others.length === 0 ? only : undefined
  const full = items.filter(({ left }) => Number(left ?? 1) === 0).map(({ asset }) => asset)
  return (
    <div className="spending-cap">
      <Setting
        name="Cap per day"
        shown={
          maxDailyCost === null ? (
            <span className="faint">no cap</span>
          ) : (
            `${moneyText(maxDailyCost)} ${unit ?? 'of each asset'}`
          )
        }
        warning={
          full.length === 0
            ? undefined
            : `all of it is taken (${full.join(', ')}): nothing more can be rented today`
        }
        text={maxDailyCost ?? ''}
        {...(unit === undefined ? {} : { unit })}
        hint="The most that all leases may cost in a day, of each asset. A lower one ends no lease that runs. Nothing: no cap."
        read={capOf}
        onSave={(value) => save({ maxDailyCost: value })}
      />
      {about === undefined || about.scope === 'operate' ? null : (
        <p className="faint">
          Read-only: this browser is signed in with the scope “{about.scope}”, and the cap is for
          “operate” to change.
        </p>
      )}
    </div>
  )
}

type Item = SpendingState['items'][number]

function Spent({ asset, spent, committed, cap, left, day }: Item & { readonly day: string }) {
  const part = Number(cap) === 0 ? 1 : Number(committed) / Number(cap) // shown with a cap alone
  return (
    <>
      <div className="node-figures">
        <Figure name="Spent today" note={`${day} UTC, by receipts`}>
          <Money amount={spent} asset={asset} />
        </Figure>
        <Figure name="May become" note="if every lease runs on">
          <Money amount={committed} asset={asset} />
        </Figure>
        {left === null || cap === null ? null : (
          <Figure name="Left" note={`of ${moneyText(cap)} ${asset} a day`}>
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

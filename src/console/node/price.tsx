import { useNode } from '../app/node-data.tsx'
import { Figure } from '../ui/facts.tsx'
import { durationText, moneyText } from '../ui/format.ts'
import { Money } from '../ui/money.tsx'
import { Section } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import type { Policy } from './answers.ts'
import { Setting } from './setting.tsx'
import {
  durationOf,
  peersOf,
  percentOf,
  priceOf,
  someDurationOf,
  wholeBetween,
  wholeFrom,
} from './setting-values.ts'
import { useChange } from './use-change.ts'

const PATH = '/v1/policy'
const LIVE_MS = 10_000

/** What a miner asks for and the rule that moves it, whom it rents to and for how long. */
export function PriceAndPolicy() {
  const { data, error, isPending, refetch } = useNode<Policy>(PATH, { everyMs: LIVE_MS })
  const { save } = useChange<Policy>(PATH, 'The rules hold from now on')
  if (isPending) return <SkeletonRows rows={4} label="Loading the rules" />
  if (data === undefined) {
    return error === null ? null : <Problem error={error} onRetry={() => void refetch()} />
  }
  return (
    <>
      <PriceRule policy={data} change={save} />
      <Rules policy={data} change={save} />
    </>
  )
}

interface Props {
  readonly policy: Policy
  readonly change: (part: object) => Promise<unknown>
}

const off = (text: string) => <span className="faint">{text}</span>

function PriceRule({ policy, change }: Props) {
  const { pricePerHour, asset, usedShare, priceFloor, priceCeiling, priceStepPercent } = policy
  const bound = (price: string | null) =>
    price === null ? off('none') : `${moneyText(price)} ${asset ?? ''}/h`
  return (
    <Section title="Price">
      <div className="node-figures">
        <Figure name="Offered now" note="for the whole machine">
          {pricePerHour === null || asset === null ? (
            'no price'
          ) : (
            <Money amount={pricePerHour} asset={asset} per="/h" />
          )}
        </Figure>
        {usedShare === null ? null : (
          <Figure name="Let" note={`of the last ${durationText(policy.priceWindowMs)}`}>
            {Math.round(usedShare * 100)} %
          </Figure>
        )}
      </div>
      <Setting
        name="Lowest price"
        shown={bound(priceFloor)}
        text={priceFloor ?? ''}
        unit={`${asset ?? ''}/h`}
        hint="The rule never goes below it."
        read={priceOf}
        onSave={(value) => change({ priceFloor: value })}
      />
      <Setting
        name="Highest price"
        shown={bound(priceCeiling)}
        text={priceCeiling ?? ''}
        unit={`${asset ?? ''}/h`}
        hint="The rule never goes above it."
        read={priceOf}
        onSave={(value) => change({ priceCeiling: value })}
      />
      <Setting
        name="Step"
        shown={
          priceStepPercent === null ? off('the price stands') : `${priceStepPercent} % a window`
        }
        text={String(priceStepPercent ?? '')}
        unit="%"
        hint="Up after a window that was well let, down after one that was not; needs both bounds. Nothing: the price stands."
        read={percentOf}
        onSave={(value) => change({ priceStepPercent: value })}
      />
      <Setting
        name="Window"
        shown={durationText(policy.priceWindowMs)}
        text={durationText(policy.priceWindowMs)}
        hint="How long is looked at before each step."
        read={someDurationOf}
        onSave={(value) => change({ priceWindowMs: value })}
      />
    </Section>
  )
}

function Rules({ policy, change }: Props) {
  const { minLeaseMs, maxLeaseMs, maxLeasesPerRenter, maxWaiting } = policy
  const { allowRenters, denyRenters } = policy
  const span = (ms: number | null) => (ms === null ? off('any') : durationText(ms))
  const many = (peers: readonly string[], nobody: string) =>
    peers.length === 0 ? off(nobody) : peers.length === 1 ? '1 peer' : `${peers.length} peers`
  return (
    <Section title="Whom it rents to">
      <Setting
        name="Shortest lease"
        shown={span(minLeaseMs)}
        text={minLeaseMs === null ? '' : durationText(minLeaseMs)}
        hint="Such as 30 min. Nothing: any."
        read={durationOf}
        onSave={(value) => change({ minLeaseMs: value })}
      />
      <Setting
        name="Longest lease"
        shown={span(maxLeaseMs)}
        text={maxLeaseMs === null ? '' : durationText(maxLeaseMs)}
        hint="Such as 7 d. Nothing: any."
        read={durationOf}
        onSave={(value) => change({ maxLeaseMs: value })}
      />
      <Setting
        name="Leases of one renter"
        shown={maxLeasesPerRenter ?? off('any number')}
        text={String(maxLeasesPerRenter ?? '')}
        hint="At the same time. Nothing: any number."
        read={wholeBetween(1, 1000)}
        onSave={(value) => change({ maxLeasesPerRenter: value })}
      />
      <Setting
        name="Places to wait"
        shown={maxWaiting === 0 ? off('no queue') : maxWaiting}
        text={String(maxWaiting)}
        hint="0: no queue."
        read={wholeFrom(0, 1000)}
        onSave={(value) => change({ maxWaiting: value })}
      />
      <Setting
        name="Only these"
        shown={many(allowRenters, 'anyone')}
        text={allowRenters.join(', ')}
        hint="Peer ids of renters, with commas between. Nothing: anyone."
        read={peersOf}
        onSave={(value) => change({ allowRenters: value })}
      />
      <Setting
        name="Never these"
        shown={many(denyRenters, 'nobody')}
        text={denyRenters.join(', ')}
        hint="Peer ids of renters, with commas between. Nothing: nobody is refused."
        read={peersOf}
        onSave={(value) => change({ denyRenters: value })}
      />
    </Section>
  )
}

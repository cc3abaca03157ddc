import type { ValidatorState } from '../../api/overview.ts'
import { Badge } from '../ui/badge.tsx'
import { Copyable } from '../ui/copyable.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Figure } from '../ui/facts.tsx'
import { moneyText } from '../ui/format.ts'
import { Section } from '../ui/page.tsx'
import { waitingWords } from './validator-slots.ts'

/** What a validator set, until when the next must be in, and what is still to be revealed. */
export function Weights({ state }: { state: ValidatorState }) {
  const { permit, uid, stake, epoch, due, waiting, pending } = state
  return (
    <Section title="Weights">
      <div className="node-figures">
        <Figure name="Permit" note={uid === null ? 'not bound to a hotkey' : `uid ${uid}`}>
          <Badge tone={permit ? 'good' : 'warn'}>{permit ? 'may validate' : 'none'}</Badge>
        </Figure>
        {stake === null ? null : (
          <Figure name="Stake" note="alpha on its hotkey">
            {moneyText(stake, 2)}
          </Figure>
        )}
        {epoch === null ? null : (
          <Figure name="Next deadline" note={`block ${epoch.nextBlock}, epoch ${epoch.index}`}>
            {epoch.blocksLeft} <span className="faint">of {epoch.tempo} blocks left</span>
          </Figure>
        )}
        <Figure
          name="This epoch"
          note={due ? whyDue(waiting) : `as of epoch ${state.weights?.epoch ?? '–'}`}
        >
          <Badge tone={due ? 'warn' : 'good'}>{due ? 'due' : 'set'}</Badge>
        </Figure>
        <Figure name="To be revealed" note={pending.length === 0 ? 'nothing is hidden' : undefined}>
          {pending.length}
        </Figure>
      </div>
      {waiting?.next ? <p className="soft">Next: {waiting.next}</p> : null}
      <Pending state={state} />
      <Row state={state} />
    </Section>
  )
}

const whyDue = (waiting: ValidatorState['waiting']): string =>
  waiting === null
    ? 'set within moments'
    : (waitingWords[waiting.reason] ?? waiting.message ?? waiting.reason)

const ways = {
  direct: 'sent openly',
  hash: 'behind a hash: this node reveals it in its window',
  timelock: 'locked: the chain opens it with a pulse',
} as const

function Pending({ state: { pending } }: { state: ValidatorState }) {
  if (pending.length === 0) return null
  return (
    <ul className="pending" aria-label="Pending reveals">
      {pending.map(({ epoch, way, uids, round }) => (
        <li key={`${epoch}/${way}/${round}`} className="num">
          Epoch {epoch}: {uids === 1 ? '1 uid' : `${uids} uids`}, {ways[way]}
          {round === null ? '' : ` of round ${round}`}
        </li>
      ))}
    </ul>
  )
}

function Row({ state: { weights } }: { state: ValidatorState }) {
  const rows = (weights?.rows ?? []).toSorted((a, b) => b.weight - a.weight)
  const all = rows.reduce((sum, { weight }) => sum + weight, 0)
  if (rows.length === 0) {
    return (
      <EmptyState title="No weights were set yet">
        They follow from the scores once slots of bound miners were judged.
      </EmptyState>
    )
  }
  return (
    <ul className="weights" aria-label="Weights set last">
      {rows.map(({ uid, hotkey, weight }) => (
        <li key={uid}>
          <span className="num faint">uid {uid}</span>
          {hotkey === null ? (
            <span className="faint">nobody any more</span>
          ) : (
            <Copyable text={hotkey} shown={`${hotkey.slice(0, 8)}…`} what="hotkey" />
          )}
          <span className="meter-bar" aria-hidden="true">
            <span style={{ width: `${all === 0 ? 0 : (weight / all) * 100}%` }} />
          </span>
          <span className="num">{all === 0 ? '0' : ((weight / all) * 100).toFixed(2)} %</span>
        </li>
      ))}
    </ul>
  )
}

import { useNode } from '../app/node-data.tsx'
import { Badge } from '../ui/badge.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Figure } from '../ui/facts.tsx'
import { Section } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import type { Score, ScoredGpu, Term } from './answers.ts'
import { raisesOf, shareOf, slotText, slotTones, termWords } from './score-words.ts'

const EVENTS = ['scores-computed'] as const
const SHOWN_SLOTS = 96
/** What costs less than this is not worth a line. */
const LEAST = 0.000_001

/** What a miner's score is made of, term by term, and what would raise it. */
export function ScoreSection({ peerId }: { peerId: string }) {
  const { data, error, isPending, refetch } = useNode<Score>(`/v1/scores/${peerId}`, {
    events: EVENTS,
  })
  const isUnjudged = error?.code === 'NOTHING_MATCHED'
  return (
    <Section title="Score">
      {isPending ? <SkeletonRows rows={4} label="Loading the score" /> : null}
      {data === undefined && isUnjudged ? (
        <EmptyState title="No slot has been judged yet">
          Validators open a slot about every quarter of an hour, on a local network far more often;
          the first one after this node’s devices are announced counts.
        </EmptyState>
      ) : null}
      {data === undefined && error !== null && !isUnjudged ? (
        <Problem error={error} onRetry={() => void refetch()} />
      ) : null}
      {data === undefined ? null : (
        <>
          <div className="node-figures">
            <Figure name="Score" note="rated units; an H100 is 1">
              {data.score.toFixed(4)}
            </Figure>
            <Figure name="Weight" note="what it gets of the division">
              {data.weight.toFixed(4)}
            </Figure>
            <Figure name="Reliability" note={`slots ${data.from} to ${data.to}`}>
              {(data.reliability * 100).toFixed(1)} %
            </Figure>
            <Figure name="Because">
              <Badge tone={data.reason === 'OK' ? 'good' : 'warn'}>{data.reason}</Badge>
            </Figure>
          </div>
          {data.gpus.map((gpu) => (
            <DeviceScore key={`${gpu.miner}/${gpu.gpu}`} gpu={gpu} />
          ))}
        </>
      )}
    </Section>
  )
}

function DeviceScore({ gpu }: { gpu: ScoredGpu }) {
  const raises = raisesOf(gpu).filter(({ lost, raise }) => raise !== '' && lost >= LEAST)
  return (
    <article className="score-gpu" aria-label={`Score of ${gpu.gpu}`}>
      <h3>
        {gpu.gpu} <span className="num">{gpu.score.toFixed(4)}</span>
      </h3>
      <ol className="terms" aria-label="Terms; they multiply to the score">
        {gpu.terms.map((term) => (
          <TermRow key={term.name} term={term} />
        ))}
      </ol>
      <Slots gpu={gpu} />
      {raises.length === 0 ? (
        <p className="soft">Nothing holds it back but its speed: more throughput raises it.</p>
      ) : (
        <div className="raises">
          <h4>What would raise it</h4>
          <ul>
            {raises.map(({ term, reason, slots, lost, raise }) => (
              <li key={`${term}/${reason}`}>
                <span className="raise-gain num">+{lost.toFixed(4)}</span>
                <span>
                  {raise}{' '}
                  <span className="faint">
                    {reason}, {term}, {slots === 1 ? '1 slot' : `${slots} slots`}
                  </span>
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </article>
  )
}

function TermRow({ term }: { term: Term }) {
  const isLess = term.name !== 'units' && term.value < 1
  return (
    <li className="term">
      <span className="term-name">
        {termWords[term.name] ?? term.name} <span className="faint">{term.name}</span>
      </span>
      <span className="term-value num">{term.value.toFixed(4)}</span>
      <span className="meter-bar" aria-hidden="true">
        <span className={isLess ? 'meter-less' : ''} style={{ width: `${shareOf(term) * 100}%` }} />
      </span>
      <span className="term-why">
        {term.reason === 'OK' ? null : <Badge tone="warn">{term.reason}</Badge>} {term.detail}
      </span>
    </li>
  )
}

/** The newest slots, the newest at the right; a word on each under the pointer, their sums in words. */
function Slots({ gpu: { slots, ok, failed, unknown } }: { gpu: ScoredGpu }) {
  const shown = slots.slice(-SHOWN_SLOTS)
  return (
    <div className="score-slots">
      <span className="soft num">
        {ok} ok, {failed} failed, {unknown} unknown
      </span>
      <span className="slot-strip" aria-hidden="true">
        {shown.map((slot) => (
          <i
            key={slot.slot}
            className={`slot-${slotTones[slot.outcome][0]}`}
            title={slotText(slot)}
          />
        ))}
      </span>
    </div>
  )
}

import { ShieldQuestion } from 'lucide-react'
import type { ValidatorState } from '../../api/overview.ts'
import type { AttestationRow as Attestation } from '../../api/scores.ts'
import { useNode } from '../app/node-data.tsx'
import { verdictTone, verdictWords } from '../market/verdict-words.ts'
import { Badge } from '../ui/badge.tsx'
import { Copyable } from '../ui/copyable.tsx'
import { Ago } from '../ui/duration.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { figureText, shortPeer } from '../ui/format.ts'
import { Section } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { abstainWords, coverageOf, type SlotSeen, slotsSeen } from './validator-slots.ts'
import { Weights } from './weights.tsx'

const EVENTS = [
  'slot-started',
  'slot-abstained',
  'slot-verdict',
  'weights-set',
  'weights-waiting',
  'weights-revealed',
  'chain-read',
] as const
const MOST_SLOTS = 12

/** What a validator saw and said, slot by slot, and how its weights stand. */
export function ValidatorSections({ peerId }: { peerId: string }) {
  const { data, error, isPending, refetch } = useNode<ValidatorState>('/v1/validator', {
    events: EVENTS,
  })
  if (isPending) return <SkeletonRows rows={6} label="Loading what this validator does" />
  if (data === undefined) {
    return error === null ? null : <Problem error={error} onRetry={() => void refetch()} />
  }
  return (
    <>
      <Weights state={data} />
      <Slots state={data} peerId={peerId} />
    </>
  )
}

function Slots({ state, peerId }: { state: ValidatorState; peerId: string }) {
  const { data } = useNode<{ readonly items: readonly Attestation[] }>(
    `/v1/attestations?peer=${peerId}&limit=300`,
    { events: ['slot-verdict', 'report-gossiped', 'slot-started'] },
  )
  const own = (data?.items ?? []).filter(({ validator }) => validator === peerId)
  const slots = slotsSeen(state.slots, own).slice(0, MOST_SLOTS)
  return (
    <Section title="Slots">
      {slots.length === 0 ? (
        <EmptyState icon={<ShieldQuestion aria-hidden="true" />} title="No slot was followed yet">
          A validator follows slots once the chain has given its hotkey a permit and miners are
          known.
        </EmptyState>
      ) : (
        <ol className="seen">
          {slots.map((slot) => (
            <Slot key={slot.slot} slot={slot} />
          ))}
        </ol>
      )}
    </Section>
  )
}

function Slot({ slot }: { slot: SlotSeen }) {
  const { abstained } = slot
  return (
    <li className="seen-slot">
      <div className="seen-head">
        <strong className="num">Slot {slot.slot}</strong>
        <Badge tone={abstained === undefined ? 'neutral' : 'warn'}>{coverageOf(slot)}</Badge>
        <span className="faint">{slot.atMs === undefined ? null : <Ago atMs={slot.atMs} />}</span>
      </div>
      {abstained === undefined ? null : (
        <p className="soft">
          It does not testify: {abstainWords[abstained] ?? abstained} <code>{abstained}</code>
        </p>
      )}
      <ul>
        {slot.words.map((word) => (
          <Word key={`${word.miner}/${word.gpu}`} word={word} />
        ))}
      </ul>
    </li>
  )
}

/** This validator's verdict on one device, why, what it counted, and the proof behind it. */
function Word({ word }: { word: Attestation }) {
  const { miner, gpu, verdict, passes, steps, proveMs, verifyMs, transcript } = word
  const counted = [
    passes === null ? undefined : `${figureText(passes)} passes`,
    steps === null ? undefined : `${figureText(steps)} steps`,
    proveMs === null ? undefined : `proved in ${figureText(proveMs)} ms`,
    verifyMs === null ? undefined : `checked in ${figureText(verifyMs)} ms`,
  ].filter((one) => one !== undefined)
  return (
    <li className="seen-word">
      <span className="mono" title={miner}>
        {shortPeer(miner)}
      </span>
      <span className="mono faint">{gpu}</span>
      <Badge tone={verdictTone(verdict)}>{verdict ?? 'counted'}</Badge>
      <span className="seen-why soft">
        {verdict === null ? 'the verdict is not here yet' : (verdictWords[verdict] ?? verdict)}
        <span className="faint num">{counted.map((one) => ` · ${one}`)}</span>
      </span>
      {transcript === null ? null : (
        <Copyable
          text={`compute-node gpu verify ${transcript}`}
          shown={transcript.slice(0, 12)}
          what="the command that checks its transcript again"
        />
      )}
    </li>
  )
}

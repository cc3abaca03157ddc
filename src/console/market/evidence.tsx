import { lazy, Suspense, useState } from 'react'
import { useNode } from '../app/node-data.tsx'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { figureText, shortPeer } from '../ui/format.ts'
import { Problem } from '../ui/problem.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import type { Offer } from './offer.ts'
import { verdictTone, verdictWords } from './verdict-words.ts'
import './evidence.css'

/** One validator's word on one device in one slot, as `GET /v1/attestations` answers it. */
export interface Attestation {
  readonly slot: number
  readonly validator: string
  readonly miner: string
  readonly gpu: string
  readonly verdict: string | null
  readonly steps: number | null
  readonly passes: number | null
  readonly n: number | null
  readonly bytes: number | null
  readonly nsPerHop: number | null
  readonly proveMs: number | null
  readonly verifyMs: number | null
  readonly transcript: string | null
  readonly equivocated: boolean
}

/** Loaded by who asks for it, and the verifier with it. */
const Recheck = lazy(async () => {
  const { RecheckTestimony } = await import('../recheck/recheck.tsx')
  return { default: RecheckTestimony }
})

const EVENTS = ['attestation-seen', 'slot-verdict', 'equivocation-kept', 'fraud-proven'] as const
const MOST_SLOTS = 6

/** What validators said of an offer's devices, the newest slots first, and what the miner's offer claims as measured. */
export function Evidence({ offer }: { offer: Offer }) {
  const path = `/v1/attestations?peer=${encodeURIComponent(offer.host_id)}&limit=60`
  const { data, error, isPending, refetch } = useNode<{ readonly items: readonly Attestation[] }>(
    path,
    { events: EVENTS },
  )
  const own = new Set(offer.devices.map(({ id }) => id))
  const rows = (data?.items ?? []).filter(
    ({ miner, gpu }) => miner === offer.host_id && own.has(gpu),
  )
  return (
    <section aria-label="Evidence" className="evidence">
      <h3>Evidence</h3>
      <Measured offer={offer} />
      {isPending ? (
        <div role="status" aria-label="Loading testimony">
          <Skeleton width="100%" height={60} />
        </div>
      ) : data === undefined && error !== null ? (
        <Problem error={error} onRetry={() => void refetch()} />
      ) : rows.length === 0 ? (
        <p className="soft">
          No validator has testified about these devices to this node yet. A new miner is heard of
          after its first slot.
        </p>
      ) : (
        <ol className="slots">
          {bySlot(rows).map(([slot, words]) => (
            <li key={slot}>
              <span className="slot-name num">Slot {slot}</span>
              <ul>
                {words.map((word) => (
                  <Word key={`${word.validator}/${word.gpu}`} word={word} />
                ))}
              </ul>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

function Measured({ offer }: { offer: Offer }) {
  const { tops, gpu_mem_bw, gpu_ram, score } = offer
  if (tops === undefined && gpu_mem_bw === undefined) {
    return <p className="soft">Nothing was measured of it yet: its figures are its miner’s word.</p>
  }
  return (
    <div className="measured">
      {tops === undefined ? null : <Figure value={figureText(tops)} unit="TOPS" />}
      {gpu_mem_bw === undefined ? null : <Figure value={figureText(gpu_mem_bw)} unit="GB/s each" />}
      {gpu_ram === undefined ? null : <Figure value={figureText(gpu_ram)} unit="GiB each" />}
      {score === undefined ? null : <Figure value={score.toFixed(3)} unit="score" />}
    </div>
  )
}

const Figure = ({ value, unit }: { value: string; unit: string }) => (
  <span>
    <strong className="num">{value}</strong> <span className="faint">{unit}</span>
  </span>
)

function bySlot(
  rows: readonly Attestation[],
): readonly (readonly [number, readonly Attestation[]])[] {
  const slots = Map.groupBy(rows, ({ slot }) => slot)
  return [...slots].sort(([a], [b]) => b - a).slice(0, MOST_SLOTS)
}

/** A validator's word: whose, what it found and why, what it counted; the proof behind it can be checked in the page. */
function Word({ word }: { word: Attestation }) {
  const { validator, gpu, verdict, passes, steps, verifyMs, equivocated, transcript } = word
  const [isAsked, setAsked] = useState(false)
  const counted = [
    passes === null ? undefined : `${figureText(passes)} passes`,
    steps === null ? undefined : `${figureText(steps)} steps`,
    verifyMs === null ? undefined : `checked in ${figureText(verifyMs)} ms`,
  ].filter((one) => one !== undefined)
  return (
    <li className="word">
      <span className="word-who mono" title={validator}>
        {shortPeer(validator)}
      </span>
      <Badge tone={equivocated ? 'bad' : verdictTone(verdict)}>
        {equivocated ? 'contradicts itself' : (verdict ?? 'counted')}
      </Badge>
      <span className="word-why">
        {gpu}: {reasonFor(word)}
        <span className="faint num"> {counted.join(' · ')}</span>
      </span>
      {transcript === null ? null : (
        <span className="word-recheck">
          <Button
            kind="quiet"
            label={`${isAsked ? 'Close the check' : 'Re-check here'}: ${gpu} in slot ${word.slot}`}
            onPress={() => setAsked(!isAsked)}
          >
            {isAsked ? 'Close the check' : 'Re-check here'}
          </Button>
        </span>
      )}
      {isAsked && transcript !== null ? (
        <Suspense fallback={<Skeleton width="100%" height={60} />}>
          <Recheck testimony={{ ...word, transcript }} />
        </Suspense>
      ) : null}
    </li>
  )
}

function reasonFor({ verdict, equivocated }: Attestation): string {
  if (equivocated) return 'this validator said two things of the slot, so its word does not count'
  if (verdict === null) return 'what it saw is counted; its verdict is not here yet'
  return verdictWords[verdict] ?? 'a verdict of a later version'
}

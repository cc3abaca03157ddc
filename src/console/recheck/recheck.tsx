import { Check, X } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Badge } from '../ui/badge.tsx'
import { Copyable } from '../ui/copyable.tsx'
import { bytesText, figureText } from '../ui/format.ts'
import { Problem } from '../ui/problem.tsx'
import { comparedWith, namedBy, type Shown, shownOf, type Testimony } from './check-words.ts'
import type { Come } from './take-transcript.ts'
import { type Source, useRecheck } from './use-recheck.ts'
import './recheck.css'

/** The proof behind a validator's word, taken from the node and checked in this page. */
export function RecheckTestimony({ testimony }: { testimony: Testimony }) {
  const [tries, setTries] = useState(0)
  const { transcript: id } = testimony
  return <Recheck key={tries} id={id} testimony={testimony} onRetry={() => setTries(tries + 1)} />
}

/** A transcript of this computer's, checked in this page: no node has a part in it. */
export function RecheckFile({ file }: { file: File }) {
  return <Recheck file={file} />
}

type Given = {
  readonly id?: string
  readonly file?: File
  readonly testimony?: Testimony
  readonly onRetry?: () => void
}

function Recheck({ id, file, testimony, onRetry }: Given) {
  const source = useMemo<Source>(
    () => (file === undefined ? { id: id ?? '' } : { file }),
    [id, file],
  )
  const { come, checks, finding, tookMs, error } = useRecheck(source)
  const shown = checks.map((check) => shownOf(check, finding?.network))
  const named = testimony && finding ? [namedBy(testimony, finding)] : []
  const all = [...named, ...shown]
  return (
    <section className="recheck" aria-label="Checked in this page">
      {error === undefined ? null : <Problem error={error} onRetry={onRetry} />}
      {finding === undefined && error === undefined ? (
        <Going come={file === undefined ? come : { bytes: file.size, total: file.size }} />
      ) : null}
      {finding === undefined ? null : (
        <p className="recheck-verdict" role="status">
          <Verdict verdict={finding.verdict} named={named[0]} />
          <span className="faint num">
            {bytesText(finding.bytes)} checked by this browser in {figureText(tookMs ?? 0)} ms
          </span>
        </p>
      )}
      <ol>
        {all.map((one) => (
          <Line key={one.name} line={one} />
        ))}
      </ol>
      {finding === undefined ? null : (
        <>
          {testimony === undefined || named[0]?.ok === false ? null : (
            <p className="soft">{comparedWith(testimony.verdict, finding.verdict)}</p>
          )}
          <p className="faint">
            Not in a transcript: that the work came inside its window, which validators saw and
            signed, and that the miner is registered, which the chain says.
          </p>
          <p>
            The same on a terminal:{' '}
            <Copyable
              text={`compute-node gpu verify ${file?.name ?? id}`}
              shown={`compute-node gpu verify ${file?.name ?? id?.slice(0, 12)}`}
              what="command"
            />
          </p>
        </>
      )}
    </section>
  )
}

function Verdict({ verdict, named }: { verdict: string; named: Shown | undefined }) {
  if (verdict === 'VALID' && named?.ok === false) {
    return <Badge tone="bad">a valid proof of something else</Badge>
  }
  return <Badge tone={verdict === 'VALID' ? 'good' : 'bad'}>{verdict}</Badge>
}

/** What is under way. */
function Going({ come }: { come: Come | undefined }) {
  const isHere = come?.total !== undefined && come.bytes >= come.total
  const words = isHere
    ? 'Checking it here…'
    : come === undefined
      ? 'Asking for the transcript…'
      : `${bytesText(come.bytes)}${come.total === undefined ? '' : ` of ${bytesText(come.total)}`}`
  return (
    <p className="recheck-going" role="status">
      <progress
        className="bar"
        aria-label="How much of the transcript has come"
        {...(come?.total === undefined || isHere ? {} : { value: come.bytes / come.total })}
        max={1}
      />
      <span className="num">{words}</span>
    </p>
  )
}

const Line = ({ line: { name, ok, detail, rests, ms } }: { line: Shown }) => (
  <li className={ok ? 'recheck-ok' : 'recheck-bad'}>
    {ok ? <Check aria-label="passed" /> : <X aria-label="failed" />}
    <div>
      <strong>{name}</strong>{' '}
      {ms === undefined ? null : <span className="faint num">{figureText(ms)} ms</span>}
      <p>{detail}</p>
      <p className="faint">Rests on {rests}.</p>
    </div>
  </li>
)

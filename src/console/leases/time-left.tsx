import type { Lease } from '../../api/leases.ts'
import { useNowMs } from '../ui/duration.tsx'
import { durationText, momentText } from '../ui/format.ts'

const SOON_MS = 10 * 60_000

/** How long a lease still runs, with a bar of what is used up; red words near its end. */
export function TimeLeft({ lease }: { lease: Pick<Lease, 'expiresAtMs' | 'durationMs'> }) {
  const nowMs = useNowMs()
  const { expiresAtMs, durationMs } = lease
  if (expiresAtMs === null)
    return <span className="faint">{durationText(durationMs)} from its start</span>
  const leftMs = Math.max(0, expiresAtMs - nowMs)
  const used = Math.min(1, Math.max(0, 1 - leftMs / durationMs))
  const soon = leftMs < SOON_MS && leftMs < durationMs / 4
  return (
    <span
      className={`time-left${soon ? ' time-left-soon' : ''}`}
      title={`Ends ${momentText(expiresAtMs)}`}
    >
      <span className="num">{leftMs === 0 ? 'at its end' : durationText(leftMs)}</span>
      <span className="time-bar" aria-hidden="true">
        <span style={{ width: `${100 - 100 * used}%` }} />
      </span>
    </span>
  )
}

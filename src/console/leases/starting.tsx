import { Check, LoaderCircle } from 'lucide-react'
import type { Lease } from '../../api/leases.ts'
import { Ago } from '../ui/duration.tsx'
import { pullShare, startSteps } from './lease-sign.ts'

/** A lease on its way: which step it is at, how far its image has come, and that it costs nothing yet. */
export function Starting({ lease }: { lease: Lease }) {
  const share = pullShare(lease.progress)
  return (
    <div className="starting">
      <h2>Your container is on its way</h2>
      <p className="soft">
        Asked for <Ago atMs={lease.createdAtMs} />. Its time, and its price, begin when it runs;
        Stop ends it and gives the deposit back.
      </p>
      <ol className="steps">
        {startSteps(lease).map(({ title, is }) => (
          <li
            key={title}
            className={`step step-${is}`}
            {...(is === 'now' ? { 'aria-current': 'step' as const } : {})}
          >
            <span className="step-mark" aria-hidden="true">
              {is === 'done' ? <Check /> : is === 'now' ? <LoaderCircle /> : null}
            </span>
            <span>
              {title}
              {is === 'now' && lease.progress !== null ? (
                <span className="step-said" role="status">
                  {lease.progress}
                </span>
              ) : null}
              {is === 'now' && share !== undefined ? (
                <progress
                  className="bar"
                  value={share}
                  max={1}
                  aria-label="How far the image has come"
                />
              ) : null}
            </span>
          </li>
        ))}
      </ol>
    </div>
  )
}

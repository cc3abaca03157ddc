import type { ReactNode } from 'react'
import './badge.css'
import type { Tone } from './tone.ts'

/** A short word on a state; its tone repeats what the word says, never replaces it. */
export function Badge({ tone = 'neutral', children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge badge-${tone}`}>{children}</span>
}

/** A dot beside the word of a state that lives: running, away, draining. */
export function StateDot({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className="state">
      <span className={`dot dot-${tone}`} aria-hidden="true" />
      {children}
    </span>
  )
}

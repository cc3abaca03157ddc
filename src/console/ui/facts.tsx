import type { ReactNode } from 'react'
import './facts.css'

/** Names and what they are, one under the other; a value that is undefined is left out. */
export function Facts({
  items,
}: {
  items: readonly (readonly [name: string, value: ReactNode])[]
}) {
  return (
    <dl className="facts">
      {items
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

/** One figure that a place is about, with its name above and a word on it below. */
export function Figure({
  name,
  children,
  note,
}: {
  name: string
  children: ReactNode
  note?: ReactNode
}) {
  return (
    <div className="figure">
      <span className="figure-name">{name}</span>
      <span className="figure-value num">{children}</span>
      {note === undefined ? null : <span className="figure-note">{note}</span>}
    </div>
  )
}

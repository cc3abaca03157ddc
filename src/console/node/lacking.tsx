import { TriangleAlert } from 'lucide-react'
import type { NodeStatus } from '../../api/status.ts'

/** What the machine or its devices lack, the required first, and what to do. */
export function Lacking({ status: { lacking, engines } }: { status: NodeStatus }) {
  const broken = (engines ?? []).filter(({ state }) => state !== 'answers')
  if (lacking.length === 0 && broken.length === 0) return null
  return (
    <ul className="lacking" aria-label="What this node lacks">
      {broken.map(({ name, state, reason }) => (
        <li key={name}>
          <TriangleAlert aria-hidden="true" />
          <div>
            <strong>
              The container engine {name === 'default' ? '' : name} {engineWords[state]}
            </strong>
            <p>{reason}</p>
          </div>
        </li>
      ))}
      {lacking
        .toSorted((a, b) => Number(b.required) - Number(a.required))
        .map(({ check, required, actual, remedy }) => (
          <li key={`${check}/${actual}`} className={required ? 'lacking-required' : ''}>
            <TriangleAlert aria-hidden="true" />
            <div>
              <strong>
                {check}: {actual}
              </strong>
              {remedy === null ? null : <p>Next: {remedy}</p>}
            </div>
          </li>
        ))}
    </ul>
  )
}

const engineWords = {
  answers: 'answers',
  away: 'does not answer',
  refuses: 'refuses',
  absent: 'is not there',
} as const

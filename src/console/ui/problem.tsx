import { CircleAlert } from 'lucide-react'
import { Button } from './button.tsx'
import { faultOf, type Told } from './fault.ts'
import './problem.css'

export interface ProblemProps {
  readonly error: Told
  /** Absent where trying again makes no sense. */
  readonly onRetry?: (() => void) | undefined
}

/** An error where its content would stand: what happened, whose fault it was, what to do next, and another try. */
export function Problem({ error, onRetry }: ProblemProps) {
  return (
    <div className="problem" role="alert">
      <CircleAlert aria-hidden="true" />
      <div>
        <h2>{error.message}</h2>
        <p className="problem-fault">
          {faultOf(error.code)} <code>{error.code}</code>
        </p>
        {error.next === undefined ? null : <p className="problem-next">Next: {error.next}</p>}
        {onRetry === undefined ? null : <Button onPress={onRetry}>Try again</Button>}
      </div>
    </div>
  )
}

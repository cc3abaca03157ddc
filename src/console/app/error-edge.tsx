import { Component, type ReactNode } from 'react'
import { Problem } from '../ui/problem.tsx'
import { toldOf } from './api.ts'

interface State {
  readonly error: unknown
}

/** Keeps a fault in one page from taking the console down; trying again draws the page anew. */
export class ErrorEdge extends Component<{ readonly children: ReactNode }, State> {
  override readonly state: State = { error: undefined }

  static getDerivedStateFromError(error: unknown): State {
    return { error }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === undefined) return this.props.children
    const told = toldOf(error)
    const next = 'try again; if it comes back, load the page anew: the node may be another version'
    return (
      <Problem
        error={{ ...told, next: told.next ?? next }}
        onRetry={() => this.setState({ error: undefined })}
      />
    )
  }
}

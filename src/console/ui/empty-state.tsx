import type { ReactNode } from 'react'
import './empty-state.css'

export interface EmptyStateProps {
  readonly icon?: ReactNode
  /** What is not there, as a sentence without a full stop. */
  readonly title: string
  /** Why, and what would bring it. */
  readonly children?: ReactNode
  /** What to do next: one button or link, two at most. */
  readonly actions?: ReactNode
}

/** Says that there is nothing here, why that may be right, and what to do next. */
export function EmptyState({ icon, title, children, actions }: EmptyStateProps) {
  return (
    <div className="empty-state">
      {icon}
      <h2>{title}</h2>
      {children === undefined ? null : <div className="empty-why">{children}</div>}
      {actions === undefined ? null : <div className="empty-actions">{actions}</div>}
    </div>
  )
}

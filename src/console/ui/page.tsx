import { type ReactNode, useEffect } from 'react'
import './page.css'

export interface PageProps {
  readonly title: string
  /** A few words or figures beside the title. */
  readonly aside?: ReactNode
  /** Buttons at the right. */
  readonly actions?: ReactNode
  readonly children: ReactNode
  /** The content scrolls by itself (a table over the whole height), not the page. */
  readonly fills?: boolean
}

/** A page: its title (in the browser's tab too), what can be done, its content. */
export function Page({ title, aside, actions, children, fills = false }: PageProps) {
  useEffect(() => {
    document.title = `${title} · compute-node`
  }, [title])
  return (
    <div className={`page${fills ? ' page-fills' : ''}`}>
      <header className="page-head">
        <h1>{title}</h1>
        <span className="page-aside">{aside}</span>
        <span className="page-actions">{actions}</span>
      </header>
      {children}
    </div>
  )
}

/** A part of a page with a heading of its own; no frame, a line above. */
export function Section({
  title,
  actions,
  children,
}: {
  title: string
  actions?: ReactNode
  children: ReactNode
}) {
  return (
    <section className="section" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  )
}

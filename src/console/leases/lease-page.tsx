import { Boxes } from 'lucide-react'
import { lazy, type ReactNode, Suspense } from 'react'
import { useLocation, useParams } from 'wouter'
import type { Lease } from '../../api/leases.ts'
import { StateDot } from '../ui/badge.tsx'
import { LinkButton } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Page } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { type TabItem, Tabs } from '../ui/tabs.tsx'
import { LeaseActions } from './lease-actions.tsx'
import { LeaseFacts } from './lease-facts.tsx'
import { LeaseNews } from './lease-news.tsx'
import { nameOf, signOf } from './lease-sign.ts'
import { MoneyTab } from './money-tab.tsx'
import { Starting } from './starting.tsx'
import { useUsage } from './usage/use-usage.ts'
import { useLease } from './use-leases.ts'
import './leases.css'

const TerminalTab = lazy(async () => ({
  default: (await import('./terminals/terminal-tab.tsx')).TerminalTab,
}))
const LogsTab = lazy(async () => ({ default: (await import('./logs/logs-tab.tsx')).LogsTab }))
const FilesTab = lazy(async () => ({ default: (await import('./files/files-tab.tsx')).FilesTab }))
const PortsTab = lazy(async () => ({ default: (await import('./ports-tab.tsx')).PortsTab }))
const UsageTab = lazy(async () => ({ default: (await import('./usage/usage-tab.tsx')).UsageTab }))

/** One lease: how it stands, what can be done with it, and everything in it. */
export function LeasePage() {
  const { id = '' } = useParams<{ id: string }>()
  const { data: lease, error, isPending, refetch } = useLease(id)
  if (lease !== undefined) return <Known lease={lease} />
  return (
    <Page title="Lease" aside={<code>{id.slice(0, 12)}</code>}>
      {isPending ? <SkeletonRows label="Loading the lease" /> : null}
      {error === null ? null : error.code === 'NOTHING_MATCHED' ? (
        <EmptyState
          icon={<Boxes aria-hidden="true" />}
          title="This node has no such lease"
          actions={<LinkButton to="/leases">All leases</LinkButton>}
        >
          {error.message}
        </EmptyState>
      ) : (
        <Problem error={error} onRetry={() => void refetch()} />
      )}
    </Page>
  )
}

function Known({ lease }: { lease: Lease }) {
  const params = useParams<{ tab?: string }>()
  const [, navigate] = useLocation()
  const { tone, word } = signOf(lease)
  const usage = useUsage(lease)
  const items: readonly TabItem[] = [
    {
      id: 'terminal',
      title: 'Terminal',
      content: <Live lease={lease}>{<TerminalTab lease={lease} />}</Live>,
    },
    { id: 'logs', title: 'Logs', content: <Lazily>{<LogsTab lease={lease} />}</Lazily> },
    {
      id: 'files',
      title: 'Files',
      content: <Live lease={lease}>{<FilesTab lease={lease} />}</Live>,
    },
    {
      id: 'ports',
      title: 'Ports',
      content: <Live lease={lease}>{<PortsTab lease={lease} />}</Live>,
    },
    {
      id: 'usage',
      title: 'Usage',
      content: (
        <Live lease={lease} isKept>
          {<UsageTab lease={lease} usage={usage} />}
        </Live>
      ),
    },
    { id: 'money', title: 'Money', content: <MoneyTab lease={lease} /> },
    { id: 'details', title: 'Details', content: <LeaseFacts lease={lease} /> },
  ]
  const wanted = params.tab ?? (lease.over ? 'money' : 'terminal')
  const selected = items.some(({ id }) => id === wanted) ? wanted : 'terminal'
  return (
    <Page
      title={nameOf(lease)}
      fills
      aside={
        <span className="lease-aside">
          <StateDot tone={tone}>{word}</StateDot>
          <code className="lease-image">{lease.image}</code>
        </span>
      }
      actions={<LeaseActions lease={lease} />}
    >
      <LeaseNews lease={lease} />
      <div className="lease-tabs">
        <Tabs
          label="Of this lease"
          items={items}
          selected={selected}
          onChange={(tab) => navigate(`/leases/${lease.id}/${tab}`, { replace: true })}
        />
      </div>
    </Page>
  )
}

const Lazily = ({ children }: { children: ReactNode }) => (
  <Suspense fallback={<SkeletonRows rows={4} label="Loading" />}>{children}</Suspense>
)

/** What needs a container that runs; `isKept`: what was shown stays when it is over. */
function Live({
  lease,
  isKept = false,
  children,
}: {
  lease: Lease
  isKept?: boolean
  children: ReactNode
}) {
  const { state, over } = lease
  if (!over && ['RESERVED', 'QUOTED', 'AGREED', 'STARTING'].includes(state)) {
    return <Starting lease={lease} />
  }
  if (over && !isKept) {
    return (
      <EmptyState
        icon={<Boxes aria-hidden="true" />}
        title="This lease is over, and its container gone"
        actions={
          <>
            <LinkButton to={`/leases/${lease.id}/money`}>What it cost</LinkButton>
            <LinkButton to="/market" kind="primary">
              Rent again
            </LinkButton>
          </>
        }
      >
        {lease.volumes.length === 0
          ? 'What was written in it is gone with it.'
          : `What lies in ${lease.volumes.map(({ name }) => name).join(', ')} is kept, and can be mounted by the next lease there.`}
      </EmptyState>
    )
  }
  return <Lazily>{children}</Lazily>
}

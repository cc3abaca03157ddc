import { useMemo } from 'react'
import type { NodeStatus } from '../../api/status.ts'
import { useNode } from '../app/node-data.tsx'
import { type PaletteCommand, useProvideCommands } from '../app/palette-commands.ts'
import { Badge } from '../ui/badge.tsx'
import { Ago } from '../ui/duration.tsx'
import { Page, Section } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import type { Limits } from './answers.ts'
import { EarningsSection } from './earnings.tsx'
import { Gpus } from './gpus.tsx'
import { HostingSection } from './hosting.tsx'
import { Lacking } from './lacking.tsx'
import { LIMITS_PATH, LimitsSection } from './limits.tsx'
import { PriceAndPolicy } from './price.tsx'
import { RenterSections } from './renter.tsx'
import { ScoreSection } from './score.tsx'
import { ValidatorSections } from './validator.tsx'
import './node.css'

const EVENTS = [
  'lease-running',
  'lease-ended',
  'lease-settled',
  'receipt-countersigned',
  'receipt-issued',
  'drain-began',
  'drain-undone',
  'preflight-failed',
  'preflight-passed',
] as const

/** This node by its roles: what each does now, what it earns or spends, and what its owner may set. */
export function NodePage() {
  const { data, error, isPending, refetch } = useNode<NodeStatus>('/v1/status', {
    events: EVENTS,
    everyMs: 10_000,
  })
  useCommands(data?.roles)
  return (
    <Page title="My node" aside={data === undefined ? null : <Aside status={data} />}>
      {isPending ? <SkeletonRows rows={8} label="Loading this node" /> : null}
      {data === undefined && error !== null ? (
        <Problem error={error} onRetry={() => void refetch()} />
      ) : null}
      {data === undefined ? null : <Roles status={data} />}
    </Page>
  )
}

const Aside = ({ status: { version, startedAtMs } }: { status: NodeStatus }) => (
  <>
    version {version}, started <Ago atMs={startedAtMs} />
  </>
)

function Roles({ status }: { status: NodeStatus }) {
  const { roles, peerId } = status
  const earns = roles.includes('miner') || roles.includes('validator')
  return (
    <>
      <div className="node-roles">
        {roles.map((role) => (
          <Badge key={role} tone="info">
            {role}
          </Badge>
        ))}
        <span className="faint">{roleWords(roles)}</span>
      </div>
      <Lacking status={status} />
      {roles.includes('miner') ? <Miner status={status} /> : null}
      {roles.includes('validator') ? <ValidatorSections peerId={peerId} /> : null}
      {earns ? <EarningsSection peerId={peerId} /> : null}
      {roles.includes('renter') ? <RenterSections /> : null}
      {roles.every((role) => role === 'relay') ? (
        <Section title="Relay">
          <p className="soft">
            This node carries what others say and lets them meet. What it carries stands on the
            network page.
          </p>
        </Section>
      ) : null}
    </>
  )
}

const what: Readonly<Record<string, string>> = {
  miner: 'rents its devices out and proves them',
  validator: 'checks miners and sets weights',
  renter: 'rents devices of others',
  relay: 'lets peers meet that cannot be reached',
}

const roleWords = (roles: readonly string[]): string =>
  roles.map((role) => what[role] ?? role).join('; ')

function Miner({ status }: { status: NodeStatus }) {
  const { data: limits } = useNode<Limits>(LIMITS_PATH, {
    events: ['gpu-paused', 'gpu-resumed'],
    everyMs: 10_000,
  })
  return (
    <>
      <Gpus limits={limits} />
      <HostingSection status={status} />
      <ScoreSection peerId={status.peerId} />
      <div className="node-settings">
        {limits === undefined ? null : <LimitsSection limits={limits} />}
        <PriceAndPolicy />
      </div>
    </>
  )
}

function useCommands(roles: readonly string[] | undefined): void {
  const isMiner = roles?.includes('miner') === true
  const isRenter = roles?.includes('renter') === true
  const commands = useMemo((): readonly PaletteCommand[] => {
    const show = (label: string) => (): void =>
      document.querySelector(`section[aria-label="${label}"]`)?.scrollIntoView()
    const labels = [
      ...(isMiner ? ['Devices', 'Score', 'Limits', 'Price', 'Earnings'] : []),
      ...(isRenter ? ['Spending'] : []),
    ]
    return labels.map((label) => ({
      title: `Show ${label.toLowerCase()} of this node`,
      run: show(label),
    }))
  }, [isMiner, isRenter])
  useProvideCommands(commands)
}

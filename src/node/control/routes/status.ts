import type { FastifyInstance } from 'fastify'
import type { ChainLink } from '../../chain-link.ts'
import type { ClockFault } from '../../clock-fault.ts'
import type { Core } from '../../core.ts'
import type { Finding } from '../../doctor/finding.ts'
import { type EngineRow, engineRows } from '../../engine-rows.ts'
import { type DrainState, drainState } from '../../leases/drain.ts'
import type { HostBook } from '../../leases/host-book.ts'
import { type HostedRow, hostedRows } from '../../leases/hosted-rows.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import type { SpendingToday } from '../../leases/spending.ts'
import type { Machine } from '../../machine.ts'
import { packageVersion } from '../../package-version.ts'
import type { PulseBook } from '../../pulse-book.ts'

/** What a node says of itself. */
export interface NodeStatus {
  readonly peerId: string
  /** The market's name on the wire. */
  readonly network: string
  readonly roles: readonly string[]
  readonly addrs: readonly string[]
  /** How many peers it is connected to. */
  readonly peers: number
  readonly startedAtMs: number
  readonly version: string
  readonly pid: number
  readonly dataDir: string
  /** What renting costs today. */
  readonly spending: SpendingToday
  /** The leases that this node hosts and that are not over, as a miner; null elsewhere. */
  readonly hosted: readonly HostedRow[] | null
  /** Whether a miner takes no new leases, and what is left to end; null elsewhere. */
  readonly drain: DrainState | null
  /** What the leases of a miner run in; null elsewhere. */
  readonly engines: readonly EngineRow[] | null
  /** The beacon's newest pulse and what pulses say against the clock; null where none was heard or none is carried. */
  readonly pulse: { readonly round: number; readonly clock: ClockFault | null } | null
  /** The chain endpoint that is asked, of those configured; null where none is, or it did not answer yet. */
  readonly chain: string | null
  /** What a miner's machine and devices lack; empty where nothing does, and on nodes that are no miners. */
  readonly lacking: readonly Lacking[]
}

/** Something that a check found missing. */
export type Lacking = Pick<Finding, 'check' | 'required' | 'actual' | 'remedy'>

/** Something that was checked. */
interface Checked {
  findings(): readonly Finding[]
}

interface Parts {
  readonly core: Core
  readonly renting: Pick<RentBook, 'spending'>
  readonly hosting?: HostBook | undefined
  readonly machine?: Machine | undefined
  readonly chainLink?: ChainLink | undefined
  readonly pulses?: PulseBook | undefined
  readonly preflight?: Checked | undefined
  readonly minerChecks?: Checked | undefined
}

/** `GET /v1/status`. */
export function statusRoute(
  app: FastifyInstance,
  { core, pulses, renting, hosting, machine, chainLink, preflight, minerChecks }: Parts,
): void {
  const startedAtMs = core.nowMs()
  app.get('/v1/status', async (): Promise<NodeStatus> => {
    const { config, net, libp2p, peerId } = core
    const newest = pulses?.newest()
    return {
      peerId,
      network: net.name,
      roles: config.roles,
      addrs: libp2p.getMultiaddrs().map(String),
      peers: libp2p.getPeers().length,
      startedAtMs,
      version: packageVersion(),
      pid: process.pid,
      dataDir: config.dataDir,
      spending: await renting.spending.today(),
      hosted: hosting === undefined ? null : hostedRows(hosting),
      drain: hosting === undefined ? null : drainState(hosting),
      engines: hosting === undefined || machine === undefined ? null : engineRows(hosting, machine),
      pulse:
        newest === undefined ? null : { round: newest.round, clock: pulses?.clockFault() ?? null },
      chain: chainLink?.current()?.info().endpoint ?? null,
      lacking: [...(minerChecks?.findings() ?? []), ...(preflight?.findings() ?? [])]
        .filter(({ ok }) => !ok)
        .map(({ check, required, actual, remedy }) => ({ check, required, actual, remedy })),
    }
  })
}

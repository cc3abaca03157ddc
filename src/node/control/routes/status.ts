import type { FastifyInstance } from 'fastify'
import { statusRoutes } from '../../../api/status.ts'
import type { ChainLink } from '../../chain-link.ts'
import type { Core } from '../../core.ts'
import type { Finding } from '../../doctor/finding.ts'
import { engineRows } from '../../engine-rows.ts'
import { drainState } from '../../leases/drain.ts'
import type { HostBook } from '../../leases/host-book.ts'
import { hostedRows } from '../../leases/hosted-rows.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import type { Machine } from '../../machine.ts'
import { packageVersion } from '../../package-version.ts'
import type { PulseBook } from '../../pulse-book.ts'
import { addRoute } from '../add-route.ts'

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
  addRoute(app, statusRoutes.getStatus, async () => {
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

import { noticesTopic, offersTopic } from '../protocols/offers.ts'
import type { Topic } from '../protocols/topic.ts'
import type { Config } from './config.ts'
import { capabilitiesRoute } from './control/routes/capabilities.ts'
import { eventsRoute } from './control/routes/events.ts'
import { leasesRoute } from './control/routes/leases.ts'
import { offersRoute } from './control/routes/offers.ts'
import { peersRoute } from './control/routes/peers.ts'
import { sessionsRoute } from './control/routes/sessions.ts'
import { statusRoute } from './control/routes/status.ts'
import type { Route } from './control/server.ts'
import type { HostBook } from './leases/host-book.ts'
import type { Parts } from './parts.ts'
import type { Service } from './service.ts'
import { announceCapability } from './services/announce-capability.ts'
import { collectOffers } from './services/collect-offers.ts'
import { discoverCapabilities } from './services/discover-capabilities.ts'
import { hostLeases } from './services/host-leases.ts'
import { joinNetwork } from './services/join-network.ts'
import { publishOffer } from './services/publish-offer.ts'
import { rent } from './services/rent.ts'
import { serveSessions } from './services/serve-sessions.ts'
import { serveTranscripts } from './services/serve-transcripts.ts'
import { syncBooks } from './services/sync-books.ts'

/** Every topic that nodes carry, whatever their role: a node forwards only what it can judge. */
export const topics: readonly Topic[] = [offersTopic, noticesTopic]

type Role = Config['roles'][number]
type ServiceFactory = (parts: Parts) => Service

const everyone: readonly ServiceFactory[] = [
  collectOffers,
  discoverCapabilities,
  announceCapability,
  serveTranscripts,
  joinNetwork,
  syncBooks,
]

/** A service that only a node with a miner's machine can run. */
const hosted =
  (factory: (parts: Parts & { hosting: HostBook }) => Service): ServiceFactory =>
  (parts) => {
    const { hosting } = parts
    if (hosting === undefined) throw new TypeError('a miner hosts leases')
    return factory({ ...parts, hosting })
  }

/** What each role adds, in the order of starting. This is the product on one page. */
const byRole: Readonly<Record<Role, readonly ServiceFactory[]>> = {
  relay: [],
  miner: [hosted(hostLeases), hosted(serveSessions), publishOffer],
  validator: [],
  renter: [rent],
}

/** The services of a node's roles, each once, in order. */
export function servicesOf(parts: Parts): Service[] {
  const chosen = parts.core.config.roles.flatMap((role) => byRole[role])
  return [...new Set([...everyone, ...chosen])].map((factory) => factory(parts))
}

/** What the control API serves. */
export const routes: readonly Route<Parts>[] = [
  statusRoute,
  peersRoute,
  eventsRoute,
  offersRoute,
  capabilitiesRoute,
  leasesRoute,
  sessionsRoute,
]

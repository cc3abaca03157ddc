import { noticesTopic, offersTopic } from '../protocols/offers.ts'
import type { Topic } from '../protocols/topic.ts'
import type { Config } from './config.ts'
import { eventsRoute } from './control/routes/events.ts'
import { peersRoute } from './control/routes/peers.ts'
import { statusRoute } from './control/routes/status.ts'
import type { Route } from './control/server.ts'
import type { Parts } from './parts.ts'
import type { Service } from './service.ts'
import { joinNetwork } from './services/join-network.ts'

/** Every topic that nodes carry, whatever their role: a node forwards only what it can judge. */
export const topics: readonly Topic[] = [offersTopic, noticesTopic]

type Role = Config['roles'][number]
type ServiceFactory = (parts: Parts) => Service

const everyone: readonly ServiceFactory[] = [joinNetwork]

/** What each role adds, in the order of starting. This is the product on one page. */
const byRole: Readonly<Record<Role, readonly ServiceFactory[]>> = {
  relay: [],
  miner: [],
  validator: [],
  renter: [],
}

/** The services of a node's roles, each once, in order. */
export function servicesOf(parts: Parts): Service[] {
  const chosen = parts.core.config.roles.flatMap((role) => byRole[role])
  return [...new Set([...everyone, ...chosen])].map((factory) => factory(parts))
}

/** What the control API serves. */
export const routes: readonly Route<Parts>[] = [statusRoute, peersRoute, eventsRoute]

import { accessRoutes } from './access.ts'
import { chainRoutes } from './chain.ts'
import { docsRoutes } from './docs.ts'
import { eventRoutes } from './events.ts'
import { gpuJobRoutes } from './gpu-jobs.ts'
import { gpuRoutes } from './gpus.ts'
import { healthRoutes } from './health.ts'
import { hostingRoutes } from './hosting.ts'
import { leaseFileRoutes } from './lease-files.ts'
import { leaseForwardRoutes } from './lease-forwards.ts'
import { leaseUsageRoutes } from './lease-usage.ts'
import { leaseRoutes } from './leases.ts'
import { machineRoutes } from './machine.ts'
import { networkRoutes } from './network.ts'
import { offerRoutes } from './offers.ts'
import { overviewRoutes } from './overview.ts'
import { proofRoutes } from './proofs.ts'
import type { RouteDeclaration } from './route.ts'
import { scoreRoutes } from './scores.ts'
import { sessionRoutes } from './sessions.ts'
import { spendingRoutes } from './spending.ts'
import { statusRoutes } from './status.ts'
import { templateRoutes } from './templates.ts'
import { volumeRoutes } from './volumes.ts'

/** Every resource of the control API under the name that clients call it by. */
export const apiRoutes = {
  ...statusRoutes,
  ...healthRoutes,
  ...accessRoutes,
  ...eventRoutes,
  ...offerRoutes,
  ...leaseRoutes,
  ...leaseFileRoutes,
  ...leaseForwardRoutes,
  ...leaseUsageRoutes,
  ...templateRoutes,
  ...gpuRoutes,
  ...gpuJobRoutes,
  ...hostingRoutes,
  ...networkRoutes,
  ...machineRoutes,
  ...chainRoutes,
  ...scoreRoutes,
  ...sessionRoutes,
  ...volumeRoutes,
  ...overviewRoutes,
  ...proofRoutes,
  ...spendingRoutes,
  ...docsRoutes,
} as const satisfies Readonly<Record<string, RouteDeclaration>>

/** The name of a route. */
export type RouteName = keyof typeof apiRoutes

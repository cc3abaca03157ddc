import type { FastifyInstance } from 'fastify'
import { hostingRoutes } from '../../../api/hosting.ts'
import { NodeError } from '../../../errors.ts'
import { type OwnPolicy, policyPatch } from '../../own-policy.ts'
import type { OwnPrice } from '../../own-price.ts'
import { addRoute } from '../add-route.ts'
import { parsed } from '../parsed.ts'

interface Needs {
  readonly policy: OwnPolicy | undefined
  readonly price: OwnPrice | undefined
}

/**
 * `GET`, `PATCH /v1/policy`: whom a miner rents to, for how long, and how its price moves; a change counts at once and
 * after restarts. NOTHING_MATCHED on a node that is no miner.
 */
export function policyRoute(app: FastifyInstance, { policy, price }: Needs): void {
  const own = (): OwnPolicy => {
    if (policy !== undefined) return policy
    throw new NodeError('NOTHING_MATCHED', 'this node rents nothing out', {
      next: 'run it with --role miner',
    })
  }
  const answer = () => {
    const now = price?.now()
    return {
      ...own().now(),
      pricePerHour: now?.perHour ?? null,
      asset: now?.asset ?? null,
      usedShare: price?.usedShare() ?? null,
    }
  }
  addRoute(app, hostingRoutes.getPolicy, answer)
  addRoute(app, hostingRoutes.changePolicy, async ({ body }) => {
    await own().change(parsed(policyPatch, body))
    return answer()
  })
}

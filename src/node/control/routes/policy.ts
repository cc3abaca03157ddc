import type { FastifyInstance } from 'fastify'
import { NodeError } from '../../../errors.ts'
import type { Policy } from '../../leases/policy.ts'
import { type OwnPolicy, policyPatch } from '../../own-policy.ts'
import type { OwnPrice } from '../../own-price.ts'
import { parsed } from '../parsed.ts'

/** A miner's policy, and what it does to its price. */
export interface PolicyAnswer extends Policy {
  /** Decimal per hour for the whole machine, as it is offered now; null where no price is set. */
  readonly pricePerHour: string | null
  readonly asset: string | null
  /** The share of the devices' time that was let in the window so far, 0 to 1; null without a price. */
  readonly usedShare: number | null
}

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
  const answer = (): PolicyAnswer => {
    const now = price?.now()
    return {
      ...own().now(),
      pricePerHour: now?.perHour ?? null,
      asset: now?.asset ?? null,
      usedShare: price?.usedShare() ?? null,
    }
  }
  app.get('/v1/policy', async () => answer())
  app.patch('/v1/policy', async ({ body }) => {
    await own().change(parsed(policyPatch, body))
    return answer()
  })
}

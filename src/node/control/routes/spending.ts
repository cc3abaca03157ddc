import type { FastifyInstance } from 'fastify'
import { spendingRoutes } from '../../../api/spending.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import type { OwnSpending } from '../../own-spending.ts'
import { addRoute } from '../add-route.ts'

interface Needs {
  readonly renting: Pick<RentBook, 'spending'>
  readonly ownSpending: OwnSpending
}

/** `GET`, `PATCH /v1/spending`: the caps on what this node spends; a change counts at once and after restarts. */
export function spendingRoute(app: FastifyInstance, { renting, ownSpending }: Needs): void {
  const answer = async () => ({ ...ownSpending.now(), ...(await renting.spending.today()) })
  addRoute(app, spendingRoutes.getSpending, answer)
  addRoute(app, spendingRoutes.changeSpending, async ({ body }) => {
    await ownSpending.change(body)
    return answer()
  })
}

import { leaseStates } from '../../lease-states.ts'
import type { Parts } from '../parts.ts'

/** What this node rents, and what that costs today. */
export async function collectRenting({ core: { meters }, renting }: Parts): Promise<void> {
  const live = [...renting.live.values()]
  for (const state of leaseStates) {
    const count = live.filter(({ lease }) => lease.state === state).length
    meters.set('compute_node_rented_leases', { state }, count)
  }
  meters.clear('compute_node_spending_today')
  for (const { asset, spent, committed, cap } of (await renting.spending.today()).items) {
    const figures = { spent, committed, ...(cap === null ? {} : { cap }) }
    for (const [kind, amount] of Object.entries(figures)) {
      meters.set('compute_node_spending_today', { asset, kind }, Number(amount))
    }
  }
}

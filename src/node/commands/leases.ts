import type { LeaseView } from '../leases/lease-view.ts'
import { createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { leaseList } from './lease-output.ts'

/** Lists the leases of this data folder, newest first. */
export const leases: Run = (context) =>
  withNode(context, async (client) => {
    const { items } = await client.get<{ items: LeaseView[] }>('/v1/leases', context.signal)
    createOutput(context.terminal, context.config).list(items, leaseList)
    return 0
  })

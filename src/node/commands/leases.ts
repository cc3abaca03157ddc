import type { LeaseView } from '../leases/lease-view.ts'
import { createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { leaseList } from './lease-output.ts'

/** Lists the leases of this data folder, newest first; with `--label`, those that have them all. */
export const leases: Run = (context) =>
  withNode(context, async (client) => {
    const { items } = await client.get<{ items: LeaseView[] }>('/v1/leases', context.signal)
    const wanted = Object.entries(context.config.label)
    const shown = items.filter(({ labels }) =>
      wanted.every(([name, value]) => labels[name] === value),
    )
    createOutput(context.terminal, context.config).list(shown, leaseList)
    return 0
  })

import type { NodeStatus } from '../../api/status.ts'
import type { LeaseView } from '../leases/lease-view.ts'
import { createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { counted } from './counted.ts'
import { leaseList } from './lease-output.ts'

/** Lists the leases of this data folder, newest first; `--label`: those that have them all, `--running`: not over. */
export const leases: Run = (context) =>
  withNode(context, async (client) => {
    const { items } = await client.get<{ items: LeaseView[] }>('/v1/leases', context.signal)
    const { label, running } = context.config
    const wanted = Object.entries(label)
    const shown = items.filter(
      ({ labels, over }) =>
        !(running && over) && wanted.every(([name, value]) => labels[name] === value),
    )
    const output = createOutput(context.terminal, context.config)
    output.list(shown, leaseList)
    const { hosted } = await client.get<NodeStatus>('/v1/status', context.signal)
    const count = hosted?.length ?? 0
    if (count > 0) output.note(`hosts ${counted(count, 'lease')} of others: compute-node status`)
    return 0
  })

import type { LeaseView } from '../leases/lease-view.ts'
import { createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { describeLease } from './lease-output.ts'
import { leasePath } from './lease-path.ts'

/** Shows all there is to say of one lease. */
export const show: Run = (context) =>
  withNode(context, async (client) => {
    const lease = await client.get<LeaseView>(leasePath(context.args[0]!), context.signal)
    const output = createOutput(context.terminal, context.config)
    output.value(lease, () => describeLease(lease), lease.id)
    return 0
  })

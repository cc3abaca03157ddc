import type { LeaseView } from '../leases/lease-view.ts'
import { createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { describeLease, SETTLE_MS, watchLease } from './lease-output.ts'
import { leasePath } from './lease-path.ts'

/** Ends a lease and waits a while until it is settled. */
export const stop: Run = (context) =>
  withNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const output = createOutput(terminal, config)
    const { id } = await client.post<LeaseView>(leasePath(args[0]!, '/stop'), {}, signal)
    const lease = await watchLease(client, id, { output, signal, until: 'over', ms: SETTLE_MS })
    output.value(lease, () => describeLease(lease), lease.id)
    if (!lease.over) output.note('it is not settled yet: the node goes on with it')
    return 0
  })

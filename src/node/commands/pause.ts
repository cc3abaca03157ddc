import type { LeaseView } from '../leases/lease-view.ts'
import { createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { describeLease } from './lease-output.ts'
import { leasePath } from './lease-path.ts'

const asked =
  (kind: 'pause' | 'resume', remark: string): Run =>
  (context) =>
    withNode(context, async (client) => {
      const { args, config, terminal, signal } = context
      const output = createOutput(terminal, config)
      const lease = await client.post<LeaseView>(leasePath(args[0]!, `/${kind}`), {}, signal)
      output.value(lease, () => describeLease(lease), lease.id)
      if (remark !== '') output.note(remark)
      return 0
    })

/** Freezes everything in a lease, its disk and memory kept. */
export const pause = asked('pause', 'its time goes on, and its price: the devices stay reserved')

/** Lets it go on from there. */
export const resume = asked('resume', '')

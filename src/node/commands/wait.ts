import { createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { describeLease, watchLease } from './lease-output.ts'

const exitCodes = { ended: 0, failed: 1, unknown: 4 } as const

/** Waits until a lease is over: 0 ended as agreed, 1 failed, 4 outcome unknown. */
export const wait: Run = (context) =>
  withNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const output = createOutput(terminal, config)
    const lease = await watchLease(client, args[0]!, { output, signal, until: 'over' })
    output.value(lease, () => describeLease(lease), lease.id)
    return exitCodes[lease.outcome ?? 'unknown']
  })

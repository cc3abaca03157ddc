import { hoursMs } from '../../units.ts'
import type { ExtensionBody } from '../control/routes/lease-life.ts'
import type { LeaseView } from '../leases/lease-view.ts'
import { createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { describeLease } from './lease-output.ts'
import { leasePath } from './lease-path.ts'

/** Gives a lease more time at its price; returns once the money is locked and both have signed. */
export const extend: Run = (context) =>
  withNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const { hours, maxCost, maxDailyCost } = config
    const output = createOutput(terminal, config)
    const body: ExtensionBody = {
      addMs: Math.max(1000, Math.round(hours * hoursMs(1))),
      ...(maxCost === undefined ? {} : { maxCost }),
      ...(maxDailyCost === undefined ? {} : { maxDailyCost }),
    }
    const lease = await client.post<LeaseView>(leasePath(args[0]!, '/extend'), body, signal)
    output.value(lease, () => describeLease(lease), lease.id)
    return 0
  })

import type { ExtensionBody } from '../../api/leases.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import { hoursMs } from '../../units.ts'
import type { ControlClient } from '../control/client.ts'
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
    const { hours, maxCost, maxDailyCost, key } = config
    const output = createOutput(terminal, config)
    const body: ExtensionBody = {
      addMs: Math.max(1000, Math.round(hours * hoursMs(1))),
      ...(maxCost === undefined ? {} : { maxCost }),
      ...(maxDailyCost === undefined ? {} : { maxDailyCost }),
    }
    const lease = await extendOnce(client, args[0]!, body, { key, signal })
    output.value(lease, () => describeLease(lease), lease.id)
    return 0
  })

/** After these it may have been extended, or may be still. */
const unknownOutcomes: ReadonlySet<string> = new Set([
  'PEER_OUTCOME_UNKNOWN',
  'FAILED_NODE_STOPPED',
])

/**
 * Extends a lease once for what counts of it now: without a key of one's own, the key is the time it has and the time that
 * is added, so that the command may be repeated as long as it did not count.
 * @throws what the node throws; where nobody knows what became of it, with the key that repeats it
 */
export async function extendOnce(
  client: Pick<ControlClient, 'get' | 'post'>,
  lease: string,
  body: ExtensionBody,
  { key: own, signal }: { readonly key: string | undefined; readonly signal: AbortSignal },
): Promise<LeaseView> {
  const { id, durationMs } = await client.get<LeaseView>(leasePath(lease), signal)
  const key = own ?? `${durationMs}+${body.addMs}`
  try {
    return await client.post<LeaseView>(leasePath(id, '/extend'), body, signal, key)
  } catch (error) {
    const code = codeOf(error)
    if (!(error instanceof NodeError) || !unknownOutcomes.has(code)) throw error
    const hours = body.addMs / hoursMs(1)
    throw new NodeError(error.code, messageOf(error), {
      ...error.details,
      cause: error,
      next: `compute-node extend ${id.slice(0, 12)} --hours ${hours} --key ${key} asks for the same again, charged once`,
    })
  }
}

import Docker from 'dockerode'
import { NodeError } from '../src/errors.ts'
import { copy } from './session/copy.ts'
import { echo } from './session/echo.ts'
import type { SessionFigure } from './session/figure.ts'
import { forward } from './session/forward.ts'
import { scp } from './session/scp.ts'
import { type Bench, measureEach, targetsOf } from './support/bench.ts'
import { assertDocker, idlingLease, startLeaseMarket } from './support/lease-market.ts'

/** A new one is a file of `session/` and a word here. */
const parts: readonly SessionFigure[] = [echo, forward, copy, scp]

export const bench: Bench = {
  name: 'session',
  measures:
    'what goes through the peer connection into a lease beside the same done with docker alone: key echo in a shell, a forwarded port, files copied, scp',
  targets: targetsOf(parts),
  async run(progress) {
    await assertDocker()
    await using stack = new AsyncDisposableStack()
    const market = await startLeaseMarket(stack, progress)
    const leaseId = await idlingLease(market.client)
    stack.defer(async () => void (await market.client.post(`/v1/leases/${leaseId}/stop`)))
    const container = await containerOf(leaseId)
    return await measureEach(parts, (part) =>
      part.measure({ ...market, leaseId, container, progress }),
    )
  },
}

async function containerOf(leaseId: string): Promise<string> {
  const [found] = await new Docker().listContainers({ filters: { name: [leaseId] } })
  if (found === undefined) throw new NodeError('FAILED', 'the lease has no container')
  return found.Id
}

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { echo } from './api/echo.ts'
import { events } from './api/events.ts'
import type { ApiFigure } from './api/figure.ts'
import { reads } from './api/reads.ts'
import { type Bench, measureEach, targetsOf } from './support/bench.ts'
import { assertDocker, idlingLease, startLeaseMarket } from './support/lease-market.ts'

/** A new one is a file of `api/` and a word here. */
const parts: readonly ApiFigure[] = [reads, echo, events]

export const bench: Bench = {
  name: 'api',
  measures:
    'the control API on loopback: reads, a terminal through its WebSocket beside compute-node shell, many subscribers of events',
  targets: targetsOf(parts),
  async run(progress) {
    await assertDocker()
    await using stack = new AsyncDisposableStack()
    const market = await startLeaseMarket(stack, progress)
    const token = await readFile(join(market.renterDir, 'control.token'), 'utf8')
    const leaseId = await idlingLease(market.client)
    stack.defer(async () => void (await market.client.post(`/v1/leases/${leaseId}/stop`)))
    return await measureEach(parts, (part) => part.measure({ ...market, token, leaseId, progress }))
  },
}

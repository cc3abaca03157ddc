import type { FastifyInstance } from 'fastify'
import { hostingRoutes } from '../../../api/hosting.ts'
import { NodeError } from '../../../errors.ts'
import type { Core } from '../../core.ts'
import { drainState } from '../../leases/drain.ts'
import type { HostBook } from '../../leases/host-book.ts'
import type { OwnDrain } from '../../own-drain.ts'
import { addRoute } from '../add-route.ts'

interface Needs {
  readonly core: Pick<Core, 'events' | 'nowMs'>
  readonly drain: OwnDrain | undefined
  readonly hosting: HostBook | undefined
}

/**
 * `GET`, `PATCH /v1/drain`: whether a miner runs empty, with `draining` to change it; that counts at once and after
 * restarts. NOTHING_MATCHED on a node that is no miner.
 */
export function drainRoute(app: FastifyInstance, { core, drain, hosting }: Needs): void {
  const own = (): { readonly drain: OwnDrain; readonly book: HostBook } => {
    if (drain !== undefined && hosting !== undefined) return { drain, book: hosting }
    throw new NodeError('NOTHING_MATCHED', 'this node rents nothing out', {
      next: 'run it with --role miner',
    })
  }
  addRoute(app, hostingRoutes.getDrain, () => drainState(own().book))
  addRoute(app, hostingRoutes.changeDrain, async ({ body: { draining } }) => {
    const { drain, book } = own()
    const was = drain.now().sinceMs
    if (draining !== (was !== null)) {
      await drain.change({ sinceMs: draining ? core.nowMs() : null })
      core.events.emit(draining ? 'drain-began' : 'drain-undone', {
        leases: drainState(book).leases,
      })
    }
    return drainState(book)
  })
}

import type { FastifyInstance } from 'fastify'
import { networkRoutes } from '../../../api/network.ts'
import type { ChainView } from '../../chain-view.ts'
import { addRoute } from '../add-route.ts'

/** `GET /v1/bindings`: the bindings that hold at this node's last reading of the chain. */
export function bindingsRoute(
  app: FastifyInstance,
  { chainView }: { readonly chainView: ChainView },
): void {
  addRoute(app, networkRoutes.listBindings, () => {
    const block = chainView.snapshot()?.metagraph.block.number ?? null
    return { block, items: block === null ? [] : chainView.bindings() }
  })
}

import type { FastifyInstance } from 'fastify'
import type { BoundPeer, ChainView } from '../../chain-view.ts'

/** Whom this node believes to work for which hotkey; `block` is its last reading, null before the first. */
export interface BindingsAnswer {
  readonly block: number | null
  readonly items: readonly BoundPeer[]
}

/** `GET /v1/bindings`: the bindings that hold at this node's last reading of the chain. */
export function bindingsRoute(
  app: FastifyInstance,
  { chainView }: { readonly chainView: ChainView },
): void {
  app.get('/v1/bindings', async (): Promise<BindingsAnswer> => {
    const block = chainView.snapshot()?.metagraph.block.number ?? null
    return { block, items: block === null ? [] : chainView.bindings() }
  })
}

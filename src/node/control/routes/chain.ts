import type { FastifyInstance } from 'fastify'
import { chainRoutes } from '../../../api/chain.ts'
import { NodeError } from '../../../errors.ts'
import { accountBalances, accountsOf } from '../../account-balance.ts'
import type { ChainLink } from '../../chain-link.ts'
import type { ChainView } from '../../chain-view.ts'
import { addressOf } from '../../commands/address-of.ts'
import type { Core } from '../../core.ts'
import { delegateRows, oneDelegate } from '../../delegate-rows.ts'
import { neuronRows } from '../../neuron-rows.ts'
import { openNominatorsBook } from '../../nominators-book.ts'
import { weightsView } from '../../weights-view.ts'
import type { OpenChain } from '../../with-chain.ts'
import { checkScope } from '../access/caller.ts'
import { addRoute } from '../add-route.ts'

interface Parts {
  readonly core: Pick<Core, 'config' | 'net' | 'store'>
  readonly chainView: Pick<ChainView, 'snapshot' | 'bindings'>
  readonly chainLink?: ChainLink | undefined
}

/** `GET /v1/chain/…`: what `compute-node chain` reads, over the connection that the node has. */
export function chainRoute(app: FastifyInstance, parts: Parts): void {
  const { core, chainView } = parts
  addRoute(app, chainRoutes.listNeurons, async () => {
    const open = openChain(parts)
    const head = await open.chain.head()
    const bound = chainView.snapshot() === undefined ? [] : chainView.bindings()
    return { block: head.number, items: await neuronRows(open, head, [...bound]) }
  })
  addRoute(app, chainRoutes.listWeights, async () => {
    const open = openChain(parts)
    return weightsView(open, core.config, await open.chain.head())
  })
  addRoute(app, chainRoutes.listBalances, async ({ query: { address }, caller }) => {
    if (address === undefined) checkScope(caller, 'rent')
    const open = openChain(parts)
    const accounts = await accountsOf(core.config, address?.split(',') ?? [])
    return { items: await accountBalances(open, accounts) }
  })
  addRoute(app, chainRoutes.listDelegates, async () => ({
    items: await delegateRows(openChain(parts)),
  }))
  addRoute(app, chainRoutes.getDelegate, ({ params: { hotkey } }) => {
    const book = openNominatorsBook(core.store)
    return oneDelegate(openChain(parts), addressOf(hotkey), ({ from, to }) =>
      book.between(hotkey, from, to),
    )
  })
}

/** The chain that this node asks; NOTHING_MATCHED where it asks none, CHAIN_UNREACHABLE until one has answered. */
function openChain({ core: { net }, chainLink }: Parts): OpenChain {
  if (chainLink === undefined) {
    throw new NodeError('NOTHING_MATCHED', 'this node asks no chain', { next: 'give it --chain' })
  }
  const chain = chainLink.current()
  if (chain === undefined) {
    throw new NodeError('CHAIN_UNREACHABLE', 'the chain has not answered this node yet', {
      next: 'compute-node doctor tells whether it answers',
    })
  }
  return { chain, net }
}

import type { FastifyInstance } from 'fastify'
import { chainRoutes } from '../../../api/chain.ts'
import type { Read } from '../../../api/route.ts'
import type { Scenario } from '../../../chain/yuma/scenario.ts'
import { applyWhatIf, assertUid, type WhatIf } from '../../../chain/yuma/what-if.ts'
import { NodeError } from '../../../errors.ts'
import { accountBalances, accountsOf } from '../../account-balance.ts'
import { bindingsOf } from '../../bindings-of.ts'
import type { ChainLink } from '../../chain-link.ts'
import type { ChainView } from '../../chain-view.ts'
import { addressOf } from '../../commands/address-of.ts'
import type { Core } from '../../core.ts'
import { delegateRows, oneDelegate } from '../../delegate-rows.ts'
import { parseTao } from '../../format-tao.ts'
import type { LookThread } from '../../look-thread.ts'
import { neuronRows } from '../../neuron-rows.ts'
import { openNominatorsBook } from '../../nominators-book.ts'
import type { SimulationAsked } from '../../simulate-asked.ts'
import { weightsView } from '../../weights-view.ts'
import type { OpenChain } from '../../with-chain.ts'
import { checkScope } from '../access/caller.ts'
import { addRoute } from '../add-route.ts'

interface Parts {
  readonly core: Pick<Core, 'config' | 'net' | 'store'>
  readonly chainView: Pick<ChainView, 'snapshot' | 'bindings'>
  readonly look: Pick<LookThread, 'simulation'>
  readonly chainLink?: ChainLink | undefined
}

/** `GET /v1/chain/…`: what `compute-node chain` reads, over the connection that the node has. */
export function chainRoute(app: FastifyInstance, parts: Parts): void {
  const { core, chainView, look } = parts
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
  addRoute(app, chainRoutes.listHotkeyBindings, ({ params: { hotkey } }) => {
    const known = chainView.snapshot() === undefined ? [] : chainView.bindings()
    return bindingsOf(openChain(parts), core.config, addressOf(hotkey), [...known])
  })
  addRoute(app, chainRoutes.simulate, ({ body }) => {
    const { chain, net } = openChain(parts)
    return look.simulation(async () => {
      const { hotkeys, state, emission } = await chain.yuma(net.netuid)
      if (hotkeys.length === 0) {
        throw new NodeError('CHAIN_EMPTY_SUBNET', 'nobody is registered in this subnet')
      }
      return simulationOf({ hotkeys, state, emission }, body)
    })
  })
}

/** Checked here as well: what a thread throws has no code. */
function simulationOf(
  scenario: Scenario,
  body: Read<(typeof chainRoutes)['simulate'], 'body'>,
): SimulationAsked {
  const { weights, stakes, kappa, yuma, emission, cabal, copier, epochs } = body
  const amount = (text: string): bigint => parseTao(text)! // its schema took it
  const whatIf: WhatIf = {
    weights,
    stakes: stakes.map(({ uid, stake }) => ({ uid, stake: amount(stake) })),
    kappa: kappa === undefined ? undefined : Math.floor(kappa * 65_535),
    yuma3: yuma === undefined ? undefined : yuma === 3,
    emission: emission === undefined ? undefined : amount(emission),
    cabal,
  }
  applyWhatIf(scenario, whatIf)
  if (copier !== undefined) assertUid(scenario.hotkeys.length, copier)
  const hidden = scenario.state.parameters.commitReveal ? 1 : 0
  return {
    scenario,
    whatIf,
    course: {
      epochs,
      drift: body.driftPercent / 100,
      hiddenEpochs: body.commitReveal ?? hidden,
      copier,
    },
  }
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

import { chainUrlsOf } from '../chain-link.ts'
import type { Parts } from '../parts.ts'

const none = {}

/** What the node knows of the chain; nothing where it asks none. */
export function collectChain({ core, chainLink, chainView }: Parts): void {
  if (chainLink === undefined) return
  const { meters, peerId } = core
  const chain = chainLink.current()
  meters.set('compute_node_chain_connected', none, chain === undefined ? 0 : 1)
  if (chain !== undefined) {
    const rank = chainUrlsOf({ config: core.config }).indexOf(chain.info().endpoint) + 1
    meters.set('compute_node_chain_endpoint_rank', none, rank)
  }
  const snapshot = chainView.snapshot()
  if (snapshot === undefined) return
  const { metagraph, epoch } = snapshot
  meters.set('compute_node_chain_block', none, metagraph.block.number)
  if (metagraph.timeMs !== undefined) {
    meters.set('compute_node_chain_block_timestamp_seconds', none, metagraph.timeMs / 1000)
  }
  meters.set('compute_node_chain_neurons', none, metagraph.neurons.length)
  meters.set('compute_node_chain_validators', none, chainView.validators().length)
  meters.set('compute_node_chain_epoch', none, epoch.index)
  meters.set('compute_node_chain_epoch_blocks_left', none, epoch.blocksLeft)
  meters.set('compute_node_chain_bound', none, chainView.neuronOf(peerId) === undefined ? 0 : 1)
}

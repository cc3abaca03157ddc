import type { Parts } from '../parts.ts'
import { openWeightsBook } from '../weights-book.ts'

const none = {}

/** How a validator stands with its weights; nothing on other nodes. */
export async function collectWeights({ core, chainView }: Parts): Promise<void> {
  const { config, meters, store, peerId } = core
  if (!config.roles.includes('validator')) return
  const book = openWeightsBook(store)
  meters.set('compute_node_weights_reveals_pending', none, (await book.pending()).length)
  const snapshot = chainView.snapshot()
  if (snapshot === undefined) return
  const { metagraph, epoch } = snapshot
  const set = (await book.last())?.epoch ?? Number.NEGATIVE_INFINITY
  const me = chainView.neuronOf(peerId)
  // Without a permit the chain takes none: nothing is due.
  const isDue = set < epoch.index && me?.validatorPermit === true
  meters.set('compute_node_weights_due', none, isDue ? 1 : 0)
  if (me === undefined) return
  const age = Math.max(0, metagraph.block.number - me.lastUpdate)
  meters.set('compute_node_weights_age_blocks', none, age)
}

import type { BindingsAnswer } from '../api/network.ts'
import type { BlockRef } from '../chain/block-ref.ts'
import type { Neuron } from '../chain/metagraph.ts'
import { formatTao } from './format-tao.ts'
import { readCommitments } from './own-commitment.ts'
import type { OpenChain } from './with-chain.ts'

/** One registered hotkey as `chain metagraph --json` prints it. */
export interface NeuronRow {
  readonly uid: number
  readonly hotkey: string
  readonly coldkey: string
  /** Alpha as decimal text, 9 places at most. */
  readonly stake: string
  readonly validatorPermit: boolean
  readonly active: boolean
  /** Whether its testimony may count: with permit, which the chain's epoch gives above its threshold alone, and stake. */
  readonly validates: boolean
  readonly lastUpdate: number
  readonly registeredAt: number
  readonly incentive: number
  readonly dividends: number
  readonly emission: string
  /** Block of its commitment, since when its bindings stand; null when it binds nobody. */
  readonly boundAt: number | null
  /** PeerIds that work for it, as the node of this data folder believes; null when none runs. */
  readonly peers: readonly string[] | null
}

/** Who is registered in the subnet at a block; `bound` undefined where no node believes anything. */
export async function neuronRows(
  { chain, net }: OpenChain,
  head: BlockRef,
  bound: BindingsAnswer['items'] | undefined,
): Promise<NeuronRow[]> {
  const [{ neurons }, commitments] = await Promise.all([
    chain.metagraph(net.netuid, head),
    readCommitments(chain, net.netuid, head),
  ])
  const peersOf = (address: string): string[] | null =>
    bound?.filter(({ hotkey }) => hotkey === address).map(({ peerId }) => peerId) ?? null
  return neurons.map((neuron) => {
    const boundAt = commitments.get(neuron.hotkey)?.block ?? null
    return rowOf(neuron, boundAt, peersOf(neuron.hotkey))
  })
}

const rowOf = (
  { stake, emission, hotkeyPublicKey: _, ...rest }: Neuron,
  boundAt: number | null,
  peers: readonly string[] | null,
): NeuronRow => ({
  ...rest,
  stake: formatTao(stake),
  emission: formatTao(emission),
  validates: rest.validatorPermit && stake > 0n,
  boundAt,
  peers,
})

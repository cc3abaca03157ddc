import type { Neuron } from '../../chain/chain.ts'
import { formatTao } from '../format-tao.ts'
import { createOutput } from '../output.ts'
import { withChain } from '../with-chain.ts'
import type { Run } from './command.ts'

/** One registered hotkey as `chain metagraph --json` prints it. */
export interface NeuronRow {
  readonly uid: number
  readonly hotkey: string
  readonly coldkey: string
  /** Alpha as decimal text, 9 places at most. */
  readonly stake: string
  readonly validatorPermit: boolean
  readonly active: boolean
  readonly lastUpdate: number
  readonly registeredAt: number
  readonly incentive: number
  readonly dividends: number
  readonly emission: string
}

/** Lists who is registered in the subnet, at the newest final block. */
export const chainMetagraph: Run = (context) =>
  withChain(context, async ({ chain, net }) => {
    const { neurons, block } = await chain.metagraph(net.netuid)
    const epoch = await chain.epoch(net.netuid, block)
    const out = createOutput(context.terminal, context.config)
    out.note(`block ${block.number}, epoch ${epoch.index}, ${epoch.blocksLeft} blocks left`)
    out.list(neurons.map(rowOf), {
      id: ({ hotkey }) => hotkey,
      none: `nobody is registered in subnet ${net.netuid}`,
      columns: [
        { title: 'UID', value: ({ uid }) => uid, align: 'right' },
        { title: 'HOTKEY', value: ({ hotkey }) => hotkey },
        { title: 'STAKE', value: ({ stake }) => stake, align: 'right' },
        { title: 'PERMIT', value: ({ validatorPermit }) => (validatorPermit ? 'yes' : 'no') },
        { title: 'INCENTIVE', value: ({ incentive }) => incentive, align: 'right' },
        { title: 'DIVIDENDS', value: ({ dividends }) => dividends, align: 'right' },
        { title: 'EMISSION', value: ({ emission }) => emission, align: 'right' },
        { title: 'UPDATED', value: ({ lastUpdate }) => lastUpdate, align: 'right' },
        { title: 'COLDKEY', value: ({ coldkey }) => coldkey, shrinks: true },
      ],
    })
    return 0
  })

const rowOf = ({ stake, emission, hotkeyPublicKey: _, ...rest }: Neuron): NeuronRow => ({
  ...rest,
  stake: formatTao(stake),
  emission: formatTao(emission),
})

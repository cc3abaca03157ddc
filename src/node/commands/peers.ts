import type { PeerRow } from '../../api/network.ts'
import { createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'

/** Lists the peers that the node is connected to. */
export const peers: Run = (context) =>
  withNode(context, async (client) => {
    const { items } = await client.get<{ items: PeerRow[] }>('/v1/peers', context.signal)
    createOutput(context.terminal, context.config).list(items, {
      id: ({ peerId }) => peerId,
      none: 'connected to no peer',
      columns: [
        { title: 'PEER', value: ({ peerId }) => peerId },
        { title: 'DIRECTION', value: ({ direction }) => direction },
        { title: 'ENCRYPTION', value: ({ encryption }) => encryption },
        { title: 'RELAYED', value: ({ relayed }) => (relayed ? 'yes' : 'no') },
        { title: 'ADDRESS', value: ({ addr }) => addr, shrinks: true },
      ],
    })
    return 0
  })

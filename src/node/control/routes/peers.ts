import type { FastifyInstance } from 'fastify'
import type { Core } from '../../core.ts'

/** One peer that the node is connected to. */
export interface PeerRow {
  readonly peerId: string
  readonly addr: string
  readonly direction: 'inbound' | 'outbound'
  /** How many connections there are. */
  readonly connections: number
  readonly encryption: string
  /** Through a relay, which limits it. */
  readonly relayed: boolean
}

/** `GET /v1/peers`: the peers that the node is connected to. */
export function peersRoute(app: FastifyInstance, { core }: { core: Pick<Core, 'libp2p'> }): void {
  app.get('/v1/peers', async (): Promise<{ items: PeerRow[] }> => {
    const { libp2p } = core
    const items = libp2p.getPeers().map((peer): PeerRow => {
      const connections = libp2p.getConnections(peer)
      const first = connections[0]
      return {
        peerId: peer.toString(),
        addr: first?.remoteAddr.toString() ?? '',
        direction: first?.direction ?? 'outbound',
        connections: connections.length,
        encryption: first?.encryption ?? '',
        relayed: first?.limits !== undefined,
      }
    })
    return { items }
  })
}

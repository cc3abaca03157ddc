import type { FastifyInstance } from 'fastify'
import { networkRoutes, type PeerRow } from '../../../api/network.ts'
import type { Core } from '../../core.ts'
import { addRoute } from '../add-route.ts'
import { pageOf } from '../page.ts'

/** `GET /v1/peers`: the peers that the node is connected to. */
export function peersRoute(app: FastifyInstance, { core }: { core: Pick<Core, 'libp2p'> }): void {
  addRoute(app, networkRoutes.listPeers, ({ query }) => {
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
    return pageOf(items, query, ({ peerId }) => peerId)
  })
}

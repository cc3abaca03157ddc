import { createDhtRecords, type DhtRecords } from '../protocols/dht.ts'
import { createRpc, type Rpc } from '../protocols/rpc.ts'
import type { Core } from './core.ts'

/**
 * The collaborators that services, control routes and the SDK share: made once per node. A factory destructures the
 * two or three it uses.
 */
export interface Parts {
  readonly core: Core
  readonly rpc: Rpc
  readonly dht: DhtRecords
}

/** Makes the parts of a node whose libp2p does not listen yet; they end with `signal`. */
export async function createParts(core: Core, signal: AbortSignal): Promise<Parts> {
  const { libp2p, net, log, nowMs, events } = core
  const rpc = createRpc(libp2p, net, {
    log: log.child('rpc'),
    signal,
    nowMs,
    onGreeted: ({ peerId }) => events.emit('peer-greeted', { peerId }),
    onRefused: (protocol, peerId, code) =>
      events.emit('request-refused', { protocol, peerId, code }),
  })
  const dht = createDhtRecords(libp2p.services.dht, { net, log: log.child('dht'), nowMs })
  return { core, rpc, dht }
}

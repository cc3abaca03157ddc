import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { deadline, every } from '../../clock.ts'
import { messageOf } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import type { Core } from '../core.ts'
import { BOOTSTRAP_REMEDY } from '../doctor/check-node.ts'
import type { Service } from '../service.ts'

const RETRY_MS = secondsMs(5)
const DIAL_MS = secondsMs(10)
/** A node with fewer peers dials the bootstrap peers that it lost: those it has may be as lost as it is. */
const FEW_PEERS = 3

/** Dials the bootstrap peers, and again those it is not connected with while it has few peers. */
export const joinNetwork = ({ core }: { readonly core: Core }): Service => {
  const { config, libp2p, log } = core
  /** Who answered at each address last. */
  const met = new Map<string, PeerId>()

  async function dial(address: string, signal: AbortSignal): Promise<void> {
    const peer = met.get(address)
    if (peer !== undefined && libp2p.getConnections(peer).length > 0) return
    using limit = deadline(signal, DIAL_MS)
    try {
      const { remotePeer } = await libp2p.dial(multiaddr(address), { signal: limit.signal })
      met.set(address, remotePeer)
    } catch (error) {
      signal.throwIfAborted()
      log.warn('bootstrap-unreachable', { address, reason: messageOf(error) })
    }
  }

  return {
    name: 'join-network',
    async start(signal) {
      if (config.bootstrap.length === 0) {
        // A local market's first node has nobody to dial, and a relay is what others dial.
        const waits = config.network === 'local' || config.roles.includes('relay')
        if (!waits)
          log.warn('no-bootstrap', { reason: 'nobody is known here', next: BOOTSTRAP_REMEDY })
        return
      }
      const dialAll = () => Promise.all(config.bootstrap.map((address) => dial(address, signal)))
      await dialAll()
      const again = async (): Promise<void> => {
        if (libp2p.getPeers().length < FEW_PEERS) await dialAll()
      }
      void every(RETRY_MS, { signal, log, name: 'join-network' }, again)
    },
  }
}

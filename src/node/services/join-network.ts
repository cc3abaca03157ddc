import { multiaddr } from '@multiformats/multiaddr'
import { deadline, every } from '../../clock.ts'
import { messageOf } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import type { Parts } from '../parts.ts'
import type { Service } from '../service.ts'

const RETRY_MS = secondsMs(5)
const DIAL_MS = secondsMs(10)

/** Dials the bootstrap peers, and again whenever no connection is left. */
export const joinNetwork = ({ core }: Parts): Service => {
  const { config, libp2p, log } = core

  async function dial(address: string, signal: AbortSignal): Promise<void> {
    using limit = deadline(signal, DIAL_MS)
    try {
      await libp2p.dial(multiaddr(address), { signal: limit.signal })
    } catch (error) {
      signal.throwIfAborted()
      log.warn('bootstrap-unreachable', { address, reason: messageOf(error) })
    }
  }

  return {
    name: 'join-network',
    async start(signal) {
      if (config.bootstrap.length === 0) return
      const dialAll = () => Promise.all(config.bootstrap.map((address) => dial(address, signal)))
      await dialAll()
      const again = async (): Promise<void> => {
        if (libp2p.getPeers().length === 0) await dialAll()
      }
      void every(RETRY_MS, { signal, log, name: 'join-network' }, again)
    },
  }
}

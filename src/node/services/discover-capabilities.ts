import { every } from '../../clock.ts'
import { VRAM_STEPS_GIB } from '../../protocols/capability.ts'
import { minutesMs, secondsMs } from '../../units.ts'
import type { Capabilities } from '../capabilities.ts'
import type { Core } from '../core.ts'
import type { Offers } from '../offers.ts'
import type { Service } from '../service.ts'

interface Parts {
  readonly core: Core
  readonly capabilities: Capabilities
  readonly offers: Offers
  /** PeerIds that hotkeys bound on chain, when a chain is known. */
  readonly boundPeers?: () => readonly string[]
}

/** Peers looked up in one round; the rest waits for the next. */
const PER_ROUND = 64

/**
 * Learns what peers have: those the DHT lists by class, those that offer something, those bound on chain and those
 * connected. A poisoned DHT class therefore hides nobody.
 */
export const discoverCapabilities = ({
  core,
  capabilities,
  offers,
  boundPeers,
}: Parts): Service => {
  const { net, log, libp2p, peerId: self } = core
  const local = net.network === 'local'
  const classes = local ? ['cpu'] : ['cpu', ...VRAM_STEPS_GIB.map((gib) => `vram:${gib}`)]

  // A record may change at any time: a hotkey bound its peer, a GPU came or went.
  const knownMs = local ? secondsMs(15) : minutesMs(20)
  const unknownMs = local ? secondsMs(2) : minutesMs(5)

  async function round(signal: AbortSignal): Promise<void> {
    const candidates = new Set([
      ...offers.standing().map(({ payload }) => payload.peerId),
      ...(boundPeers?.() ?? []),
      ...libp2p.getPeers().map(String),
    ])
    candidates.delete(self)
    const asked = [...candidates].map((peer) => [capabilities.askedAtMs(peer), peer] as const)
    const due = asked.filter(([atMs, peer]) => {
      const refreshMs = capabilities.known(peer) === undefined ? unknownMs : knownMs
      return atMs + refreshMs <= core.nowMs()
    })
    // Those never asked about first, then those asked longest ago.
    for (const [, peer] of due.toSorted(([a], [b]) => a - b).slice(0, PER_ROUND)) {
      await capabilities.look(peer, signal)
    }
  }

  return {
    name: 'discover-capabilities',
    async start(signal) {
      const options = { signal, log, name: 'discover-capabilities' }
      void every(local ? secondsMs(2) : minutesMs(1), options, () => round(signal))
      void every(local ? secondsMs(30) : minutesMs(20), options, async () => {
        for (const name of classes) await capabilities.findClass(name, 256, signal)
      })
    },
  }
}

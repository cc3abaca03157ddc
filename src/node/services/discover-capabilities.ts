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
  /** PeerIds that testified without being known: a validator has no device to be listed under. */
  readonly testifying?: () => readonly string[]
}

/** Peers looked up in one round; the rest waits for the next. */
const PER_ROUND = 64
/** Of those, the ones that merely testified: anyone may do that under any number of names. */
const TESTIFYING_PER_ROUND = 8
/** Of those, the ones that a hotkey bound, before anybody else's turn. */
const BOUND_PER_ROUND = 40
/** Looks in vain before the wait between two grows: the record of a newcomer takes some seconds to be held. */
const PATIENT_LOOKS = 4

/**
 * Learns what peers have: those the DHT lists by class, those that offer something, those bound on chain, those
 * connected and those who testify. A poisoned DHT class therefore hides nobody.
 */
export const discoverCapabilities = ({
  core,
  capabilities,
  offers,
  boundPeers,
  testifying,
}: Parts): Service => {
  const { net, log, libp2p, peerId: self } = core
  const local = net.network === 'local'
  const classes = local ? ['cpu'] : ['cpu', ...VRAM_STEPS_GIB.map((gib) => `vram:${gib}`)]

  // A record may change at any time: a hotkey bound its peer, a GPU came or went.
  const knownMs = local ? secondsMs(15) : minutesMs(20)
  const unknownMs = local ? secondsMs(2) : minutesMs(5)
  /** How often in a row nobody held a peer's record: relays and renters have none. */
  let misses: ReadonlyMap<string, number> = new Map()

  function refreshMs(peer: string): number {
    if (capabilities.known(peer) !== undefined) return knownMs
    const doublings = Math.max(0, (misses.get(peer) ?? 0) - PATIENT_LOOKS)
    return Math.min(unknownMs * 2 ** doublings, 2 * knownMs)
  }

  /** Those whose turn it is: never asked about first, then those asked longest ago. */
  function due(peers: Iterable<string>): string[] {
    return [...peers]
      .map((peer) => [capabilities.askedAtMs(peer), peer] as const)
      .filter(([atMs, peer]) => atMs + refreshMs(peer) <= core.nowMs())
      .toSorted(([a], [b]) => a - b)
      .map(([, peer]) => peer)
  }

  async function round(signal: AbortSignal): Promise<void> {
    const bound = new Set(boundPeers?.() ?? [])
    const met = new Set([
      ...offers.standing().map(({ payload }) => payload.peerId),
      ...libp2p.getPeers().map(String),
    ]).difference(bound)
    const heard = new Set(testifying?.() ?? []).difference(bound.union(met))
    const all = bound.union(met).union(heard)
    const missed = new Map([...misses].filter(([peer]) => all.has(peer)))
    misses = missed
    // Strangers of any number must not keep those waiting whom a hotkey bound, nor these a newcomer.
    const first = due(bound)
    const turns = [
      ...due(heard).slice(0, TESTIFYING_PER_ROUND),
      ...first.slice(0, BOUND_PER_ROUND),
      ...due(met),
      ...first.slice(BOUND_PER_ROUND),
    ]
    for (const peer of turns.filter((one) => one !== self).slice(0, PER_ROUND)) {
      if ((await capabilities.look(peer, signal)) !== undefined) missed.delete(peer)
      else missed.set(peer, (missed.get(peer) ?? 0) + 1)
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

import { atMost } from '../../at-most.ts'
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

/** Looks in vain before the wait between two grows: the record of a newcomer takes some seconds to be held. */
const PATIENT_LOOKS = 4

/**
 * Places for peers of one kind: so many are in line or being looked up, so many of those at a time. Kinds share none,
 * so strangers of any number keep neither those waiting whom a hotkey bound nor a newcomer, and who testifies under any
 * number of names has few.
 */
const PLACES = {
  bound: { inLine: 40, atOnce: 4 },
  met: { inLine: 36, atOnce: 4 },
  heard: { inLine: 8, atOnce: 2 },
} as const
type Kind = keyof typeof PLACES

/**
 * Learns what peers have: those the DHT lists by class, those that offer something, those bound on chain, those
 * connected and those who testify. A poisoned DHT class therefore hides nobody. Who is unknown is asked about again
 * soon, and at once when it greets or offers something; one holder that hangs keeps nobody else waiting.
 */
export const discoverCapabilities = ({
  core,
  capabilities,
  offers,
  boundPeers,
  testifying,
}: Parts): Service => {
  const { net, log, events, libp2p, peerId: self, nowMs } = core
  const local = net.network === 'local'
  const classes = local ? ['cpu'] : ['cpu', ...VRAM_STEPS_GIB.map((gib) => `vram:${gib}`)]

  // A record may change at any time: a hotkey bound its peer, a GPU came or went.
  const knownMs = local ? secondsMs(15) : minutesMs(20)
  const unknownMs = secondsMs(local ? 2 : 15)
  /** How often in a row nobody held a peer's record: relays and renters have none. */
  const misses = new Map<string, number>()
  /** Peers with a reason to ask about them now. */
  const news = new Set<string>()
  const looking = new Map<string, Kind>()
  const inTurn = {
    bound: atMost(PLACES.bound.atOnce),
    met: atMost(PLACES.met.atOnce),
    heard: atMost(PLACES.heard.atOnce),
  }

  const isKnown = (peer: unknown): boolean => capabilities.known(String(peer)) !== undefined

  function refreshMs(peer: string): number {
    if (isKnown(peer)) return knownMs
    const doublings = Math.max(0, (misses.get(peer) ?? 0) - PATIENT_LOOKS)
    return Math.min(unknownMs * 2 ** doublings, 2 * knownMs)
  }

  async function look(peer: string, kind: Kind, signal: AbortSignal): Promise<void> {
    looking.set(peer, kind)
    news.delete(peer)
    try {
      const found = await inTurn[kind](() => capabilities.look(peer, signal))
      if (found !== undefined) misses.delete(peer)
      else misses.set(peer, (misses.get(peer) ?? 0) + 1)
    } catch (error) {
      if (!signal.aborted) log.error('capability-look-failed', error, { peer })
    } finally {
      looking.delete(peer)
    }
  }

  /** Those whose turn it is: never asked about first, then those asked longest ago. */
  function due(peers: Iterable<string>): string[] {
    return [...peers]
      .filter((peer) => peer !== self && !looking.has(peer))
      .map((peer) => [capabilities.askedAtMs(peer), peer] as const)
      .filter(([atMs, peer]) => news.has(peer) || atMs + refreshMs(peer) <= nowMs())
      .toSorted(([a], [b]) => a - b)
      .map(([, peer]) => peer)
  }

  function round(signal: AbortSignal): void {
    const bound = new Set(boundPeers?.() ?? [])
    const met = new Set([
      ...offers.standing().map(({ payload }) => payload.peerId),
      ...libp2p.getPeers().map(String),
    ]).difference(bound)
    const heard = new Set(testifying?.() ?? []).difference(bound.union(met))
    const all = bound.union(met).union(heard)
    for (const peer of misses.keys()) if (!all.has(peer)) misses.delete(peer)
    for (const peer of news) if (!all.has(peer)) news.delete(peer)
    for (const [kind, peers] of Object.entries({ bound, met, heard }) as [Kind, Set<string>][]) {
      const taken = [...looking.values()].filter((one) => one === kind).length
      for (const peer of due(peers).slice(0, PLACES[kind].inLine - taken)) {
        void look(peer, kind, signal)
      }
    }
  }

  return {
    name: 'discover-capabilities',
    async start(signal) {
      const isNews = (peer: string): void => {
        news.add(peer)
        misses.delete(peer)
      }
      events.subscribe(({ event, ...about }) => {
        if (event === 'peer-greeted') isNews(String(about['peerId']))
        else if (event === 'offer-seen' && !isKnown(about['peer'])) isNews(String(about['peer']))
      }, signal)
      const options = { signal, log, name: 'discover-capabilities' }
      void every(secondsMs(local ? 2 : 15), options, () => round(signal))
      void every(local ? secondsMs(30) : minutesMs(20), options, async () => {
        for (const name of classes) await capabilities.findClass(name, 256, signal)
      })
    },
  }
}

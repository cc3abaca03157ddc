import type { Connection, IdentifyResult } from '@libp2p/interface'
import { deadline, every } from '../../clock.ts'
import { messageOf } from '../../errors.ts'
import { isInTable } from '../../protocols/dht.ts'
import { sendsTo } from '../../protocols/gossip.ts'
import { wireName } from '../../protocols/network.ts'
import { minutesMs, secondsMs } from '../../units.ts'
import type { Core } from '../core.ts'
import type { Service } from '../service.ts'

interface Parts {
  readonly core: Core
}

const LOOK_MS = secondsMs(1)
/** From opening to the first look at a connection; each later wait is twice as long as the one before. */
const PATIENCE_MS = secondsMs(3)
const LONGEST_WAIT_MS = minutesMs(1)
const IDENTIFY_MS = secondsMs(10)

/**
 * Introduces connected peers to DHT and gossip that were missed at first. libp2p asks a new connection once, for five
 * seconds, who is there; kad-dht pings a newcomer once; gossip opens its stream once. A machine that was busy for that
 * moment, at either end, would leave a peer connected but unknown until it reconnects (trap 14), and a node that knows
 * nobody finds no one. Identifying again does all of it again.
 */
export const introducePeers = ({ core }: Parts): Service => {
  const { libp2p, log, net, nowMs } = core
  const { identify, dht, gossip } = libp2p.services
  /** What each identified connection's peer speaks. */
  const spoken = new WeakMap<Connection, readonly string[]>()
  const looks = new WeakMap<Connection, { atMs: number; waitMs: number }>()

  /** Who does not know the peer of a connection yet but should; undefined when all do. */
  async function missing(
    connection: Connection,
  ): Promise<'identify' | 'gossip' | 'dht' | undefined> {
    const protocols = spoken.get(connection)
    if (protocols === undefined) return 'identify'
    const { remotePeer, limits } = connection
    const gossips = gossip.protocols.some((name) => protocols.includes(name))
    if (gossips && !sendsTo(gossip, remotePeer)) return 'gossip'
    // kad-dht takes nobody from connections that a relay limits.
    if (limits !== undefined || !protocols.includes(wireName(net, 'kad'))) return undefined
    return (await isInTable(dht, remotePeer)) ? undefined : 'dht'
  }

  function isDue(connection: Connection): boolean {
    const before = looks.get(connection)
    const atMs = before?.atMs ?? connection.timeline.open
    const waitMs = before?.waitMs ?? PATIENCE_MS
    if (connection.status !== 'open' || atMs + waitMs > nowMs()) return false
    looks.set(connection, { atMs: nowMs(), waitMs: Math.min(2 * waitMs, LONGEST_WAIT_MS) })
    return true
  }

  async function look(connection: Connection, signal: AbortSignal): Promise<void> {
    const to = await missing(connection)
    if (to === undefined) return
    const peer = connection.remotePeer.toString()
    log.info('introduced-again', { peer, to })
    using limit = deadline(signal, IDENTIFY_MS)
    try {
      await identify.identify(connection, { signal: limit.signal })
    } catch (error) {
      signal.throwIfAborted()
      log.debug('introduction-failed', { peer, reason: messageOf(error) }) // it is tried again
    }
  }

  return {
    name: 'introduce-peers',
    async start(signal) {
      const onIdentified = ({ detail }: CustomEvent<IdentifyResult>): void => {
        spoken.set(detail.connection, detail.protocols)
      }
      libp2p.addEventListener('peer:identify', onIdentified)
      const stop = (): void => libp2p.removeEventListener('peer:identify', onIdentified)
      signal.addEventListener('abort', stop, { once: true })
      void every(LOOK_MS, { signal, log, name: 'introduce-peers' }, async () => {
        const due = libp2p.getConnections().filter(isDue)
        await Promise.all(due.map((connection) => look(connection, signal)))
      })
    },
  }
}

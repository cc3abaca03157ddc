import type { PeerId, PeerInfo } from '@libp2p/interface'
import type { KadDHT, QueryEvent } from '@libp2p/kad-dht'
import type { CID } from 'multiformats/cid'
import { type Deadline, deadline, type NowMs } from '../clock.ts'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { secondsMs } from '../units.ts'
import { type Capability, classKey, SHARDS, utcDay } from './capability.ts'
import { bestCapability, capabilityKey } from './capability-dht.ts'
import type { Network } from './network.ts'
import type { Signed } from './signed.ts'

/** A walk through the DHT takes at most this long; what was found until then counts. */
const WALK_MS = secondsMs(20)
/** Putting comes after a walk to the closest holders, and the hours that follow rest on it. */
const PUT_MS = secondsMs(45)
/** Once a holder answered with a record, others may have a newer one for so long: one that hangs must not hide it. */
const SETTLE_MS = secondsMs(3)

export interface DhtRecords {
  /** Puts a value at its closest holders; resolves with how many took it. */
  put(key: Uint8Array, value: Uint8Array, signal?: AbortSignal): Promise<number>
  /** Every value that holders answer with, unjudged, at most 64. */
  values(key: Uint8Array, signal?: AbortSignal): Promise<Uint8Array[]>
  /** Lists this node as a provider of a key; resolves with how many holders were told. */
  provide(key: CID, signal?: AbortSignal): Promise<number>
  /** Up to `limit` providers of a key. */
  providers(key: CID, limit: number, signal?: AbortSignal): Promise<PeerInfo[]>
  /** The newest good capability record of a peer; undefined when no holder has one. */
  capability(peerId: string, signal?: AbortSignal): Promise<Signed<Capability> | undefined>
  /** Up to `limit` PeerIds that announce a class today, with the addresses they gave. */
  peersOfClass(name: string, limit: number, signal?: AbortSignal): Promise<PeerInfo[]>
}

export interface DhtOptions {
  readonly net: Network
  readonly log: Log
  readonly nowMs: NowMs
}

const MAX_VALUES = 64

/** What kad-dht's type leaves out of its class. */
interface WithTable {
  readonly routingTable: { readonly size: number; find(peer: PeerId): Promise<PeerId | undefined> }
}
/** With this many peers (kad-dht's k) a table serves its node, and may have no room for more of a kind. */
const ENOUGH_PEERS = 20

/** Whether a DHT asks a peer, or knows so many others that it need not. */
export async function isInTable(dht: KadDHT, peer: PeerId): Promise<boolean> {
  const { routingTable } = dht as unknown as WithTable
  return routingTable.size >= ENOUGH_PEERS || (await routingTable.find(peer)) !== undefined
}

/** Records and providers over one kad-dht, without the traps of its own `get` (notes/libp2p.md §2 trap 3). */
export function createDhtRecords(dht: KadDHT, { net, log, nowMs }: DhtOptions): DhtRecords {
  /** Hands every event of one walk to `onEvent` until it says true, the walk ends or its time is up. */
  async function walk(
    events: (signal: AbortSignal) => AsyncIterable<QueryEvent>,
    signal: AbortSignal | undefined,
    onEvent: (event: QueryEvent, limit: Deadline) => boolean | undefined,
    maxMs = WALK_MS,
  ): Promise<void> {
    using limit = deadline(signal, maxMs)
    try {
      for await (const event of events(limit.signal)) if (onEvent(event, limit) === true) return
    } catch (error) {
      // A holder that refuses kad-dht's correction, or time that ran out, makes a walk throw at its end: what was
      // heard before stands, and hearing nothing is an answer too.
      signal?.throwIfAborted()
      log.debug('dht-walk-ended', { reason: messageOf(error) })
    }
  }

  const count = (name: 'PUT_VALUE' | 'ADD_PROVIDER') => {
    let told = 0
    return {
      get told() {
        return told
      },
      onEvent(event: QueryEvent): undefined {
        if (event.name === 'PEER_RESPONSE' && event.messageName === name) told++
      },
    }
  }

  const records: DhtRecords = {
    async put(key, value, signal) {
      const counter = count('PUT_VALUE')
      await walk((s) => dht.put(key, value, { signal: s }), signal, counter.onEvent, PUT_MS)
      return counter.told
    },
    async values(key, signal) {
      const found: Uint8Array[] = []
      await walk(
        (s) => dht.get(key, { signal: s }),
        signal,
        (event, limit) => {
          if (event.name === 'PEER_RESPONSE' && event.record !== undefined) {
            found.push(event.record.value) // kad-dht's validator has passed it
            limit.within(SETTLE_MS)
          }
          // Only this node's own copy arrives without a response before it.
          if (event.name === 'VALUE') found.push(event.value)
          return found.length >= MAX_VALUES
        },
      )
      return found
    },
    async provide(key, signal) {
      const counter = count('ADD_PROVIDER')
      await walk((s) => dht.provide(key, { signal: s }), signal, counter.onEvent, PUT_MS)
      return counter.told
    },
    async providers(key, limit, signal) {
      const found = new Map<string, PeerInfo>()
      await walk(
        (s) => dht.findProviders(key, { signal: s }),
        signal,
        (event) => {
          if (event.name !== 'PROVIDER') return false
          for (const info of event.providers) found.set(info.id.toString(), info)
          return found.size >= limit
        },
      )
      return [...found.values()].slice(0, limit)
    },
    async capability(peerId, signal) {
      const key = capabilityKey(peerId)
      const values = await records.values(key, signal)
      const onBad = (reason: string): void => log.debug('capability-refused', { peerId, reason })
      return bestCapability(net, key, values, nowMs(), onBad)?.record
    },
    async peersOfClass(name, limit, signal) {
      const found = new Map<string, PeerInfo>()
      const day = utcDay(nowMs())
      // Four shards at a time; a random first one, so that the same few are not found by everyone.
      const first = Math.floor(Math.random() * SHARDS)
      for (let i = 0; i < SHARDS && found.size < limit; i += 4) {
        const keys = [0, 1, 2, 3].map((j) => classKey(net, name, (first + i + j) % SHARDS, day))
        const answers = await Promise.all(keys.map((k) => records.providers(k, limit, signal)))
        for (const info of answers.flat()) found.set(info.id.toString(), info)
      }
      return [...found.values()].slice(0, limit)
    },
  }
  return records
}

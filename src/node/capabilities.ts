import { atMost } from '../at-most.ts'
import { messageOf } from '../errors.ts'
import { type Capability, sealCapability } from '../protocols/capability.ts'
import { capabilityKey, openCapability } from '../protocols/capability-dht.ts'
import type { DhtRecords } from '../protocols/dht.ts'
import type { Signed } from '../protocols/signed.ts'
import { hoursMs } from '../units.ts'
import { type RecordOwner, roomFor } from './capability-room.ts'
import type { Core } from './core.ts'
import { nextSequence } from './sequence.ts'

/** Capability records this node has seen, newest per peer, kept across restarts. */
export interface Capabilities {
  /** This node's own standing record, once announced. */
  own(): Signed<Capability> | undefined
  /** The newest unexpired record known of a peer, without asking anybody. */
  known(peerId: string): Signed<Capability> | undefined
  /** When the DHT was last asked about a peer; 0 for never. */
  askedAtMs(peerId: string): number
  /** Everything known and unexpired. */
  all(): Signed<Capability>[]
  /** Another number after every record that came or went. */
  revision(): number
  /** What is known of a peer, after asking the DHT. */
  look(peerId: string, signal?: AbortSignal): Promise<Signed<Capability> | undefined>
  /** Peers of a class: those known, and those the DHT lists. */
  findClass(name: string, limit: number, signal?: AbortSignal): Promise<Signed<Capability>[]>
  /** Keeps a record that its peer handed over, when it is newer than the known one; BAD_MESSAGE for a bad one. */
  learn(peerId: string, bytes: Uint8Array): Promise<void>
  /** Signs what this machine has as the newest record of this node. */
  announce(what: Announced): Promise<Signed<Capability>>
}

/** A capability record without what signing adds. */
export type Announced = Omit<Capability, 'peerId' | 'seq' | 'issuedAtMs' | 'expiresAtMs'>

/** Records kept; who gets a place beyond it is `roomFor`'s to say. */
const PLACES = 10_000
/** Peers of one class looked up at a time. */
const LOOKS_AT_ONCE = 8
/** A machine that left is believed for this long at most; records are renewed far more often. */
const LIFETIME_MS = hoursMs(3)

export interface CapabilityOptions {
  /** Who bound the peer of a record, as the chain was last read; its own record always has a place. */
  readonly ownerOf?: RecordOwner
  readonly places?: number
}

type CapabilityCore = Pick<Core, 'net' | 'store' | 'events' | 'log' | 'nowMs' | 'key' | 'peerId'>

/** Loads what was known when this node stopped, and goes on from there. */
export async function createCapabilities(
  core: CapabilityCore,
  dht: DhtRecords,
  { ownerOf = () => undefined, places = PLACES }: CapabilityOptions = {},
): Promise<Capabilities> {
  const { net, store, events, log, nowMs, key, peerId: self } = core
  const ownerOrSelf: RecordOwner = (record) =>
    record.payload.peerId === self ? self : ownerOf(record)
  const bucket = store.bucket('capabilities')
  const records = new Map<string, Signed<Capability>>()
  const asked = new Map<string, number>()
  let revision = 0
  for await (const [peerId, bytes] of bucket.iterator()) {
    try {
      records.set(peerId, openCapability(net, capabilityKey(peerId), bytes, nowMs()))
    } catch (error) {
      log.debug('stored-capability-dropped', { peerId, reason: messageOf(error) })
      await bucket.del(peerId)
    }
  }

  /** Keeps a record that is newer than the known one. */
  async function keep(record: Signed<Capability>): Promise<void> {
    const { peerId, seq, classes } = record.payload
    const before = records.get(peerId)
    if (before !== undefined && before.payload.seq >= seq) return
    if (before === undefined && !(await makeRoom(record))) return
    await bucket.put(peerId, record.bytes)
    records.set(peerId, record)
    revision += 1
    if (peerId !== self && before?.payload.classes.join() !== classes.join()) {
      const names = record.payload.devices.map(({ name }) => name).join(', ')
      events.emit('capability-seen', { peer: peerId, classes: classes.join(' '), devices: names })
    }
  }

  /** False when a newcomer has no right to a place. */
  async function makeRoom(newcomer: Signed<Capability>): Promise<boolean> {
    const needs = { records, places, ownerOf: ownerOrSelf, nowMs: nowMs() }
    const leaving = roomFor(newcomer, needs)
    for (const peerId of leaving ?? []) {
      records.delete(peerId)
      revision += 1
      await bucket.del(peerId)
    }
    return leaving !== undefined
  }

  const known = (peerId: string): Signed<Capability> | undefined => {
    const record = records.get(peerId)
    return record !== undefined && record.payload.expiresAtMs > nowMs() ? record : undefined
  }

  const all = (): Signed<Capability>[] => [...records.keys()].flatMap((id) => known(id) ?? [])

  async function look(
    peerId: string,
    signal?: AbortSignal,
  ): Promise<Signed<Capability> | undefined> {
    if (asked.size >= PLACES) asked.delete(asked.keys().next().value!)
    asked.delete(peerId)
    asked.set(peerId, nowMs())
    const found = await dht.capability(peerId, signal)
    if (found !== undefined) await keep(found)
    return known(peerId)
  }

  return {
    own: () => known(self),
    known,
    askedAtMs: (peerId) => asked.get(peerId) ?? 0,
    all,
    revision: () => revision,
    look,
    async findClass(name, limit, signal) {
      const listed = await dht.peersOfClass(name, limit, signal)
      const unknown = listed.map(({ id }) => id.toString()).filter((id) => known(id) === undefined)
      const inTurn = atMost(LOOKS_AT_ONCE)
      await Promise.all(unknown.map((id) => inTurn(() => look(id, signal))))
      return all()
        .filter(({ payload }) => payload.classes.includes(name))
        .slice(0, limit)
    },
    learn: async (peerId, bytes) =>
      keep(openCapability(net, capabilityKey(peerId), bytes, nowMs())),
    async announce(what) {
      const issuedAtMs = nowMs()
      const seq = await nextSequence(store.bucket('own'), 'capability', issuedAtMs)
      const expiresAtMs = issuedAtMs + LIFETIME_MS
      const record = sealCapability(net, key, {
        ...(what as Capability),
        peerId: self,
        seq,
        issuedAtMs,
        expiresAtMs,
      })
      await keep(record)
      return record
    },
  }
}

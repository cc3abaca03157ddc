import { hash, randomBytes } from 'node:crypto'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Datastore, Pair, Query } from 'interface-datastore'
import { Key } from 'interface-datastore'
import type { NowMs } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { hoursMs } from '../units.ts'

/** kad-dht lets provider records live this long (its `PROVIDERS_VALIDITY`); peer addresses must outlive it. */
export const PROVIDER_VALIDITY_MS = hoursMs(48)

export interface DhtCaps {
  /** Providers kept under one key. */
  readonly perKey: number
  /** Keys one peer may be a provider of. */
  readonly perPeer: number
  /** Value records kept in all. */
  readonly records: number
}
const CAPS: DhtCaps = { perKey: 256, perPeer: 128, records: 4096 }

/** `/dht/provider/<multihash>/<PeerId>` and `/dht/record/<key>`, as kad-dht writes them. */
const PROVIDER = /^\/[^/]+\/provider\/([^/]+)\/([^/]+)$/
const RECORD = /^\/[^/]+\/record\/([^/]+)$/
const PROVIDERS = /^\/[^/]+\/provider(\/|$)/

/** A bounded group and the member of it that a datastore key stands for; `peer` where members are peers. */
interface Entry {
  readonly group: string
  readonly member: string
  readonly provider: boolean
}

function entryOf(key: Key): Entry | undefined {
  const name = key.toString()
  const provider = PROVIDER.exec(name)
  if (provider !== null) return { group: provider[1]!, member: provider[2]!, provider: true }
  const record = RECORD.exec(name)
  return record === null ? undefined : { group: 'records', member: record[1]!, provider: false }
}

/**
 * The datastore under a DHT, with the bounds that kad-dht lacks: so many providers per key, keys per peer and value
 * records, and expired providers gone at the next look, one's own too (kad-dht would provide yesterday's keys again
 * for ever). A full group keeps a random choice among its members, drawn with a secret: whoever floods it with names
 * gets their share and cannot push out chosen others, as eviction by age would let them (notes/markets.md).
 * Providers whose addresses are gone are not listed: one such would hide all others of its key.
 */
export function cappedDatastore(
  inner: Datastore,
  { nowMs, caps = CAPS }: { readonly nowMs: NowMs; readonly caps?: DhtCaps },
): Datastore {
  const secret = randomBytes(16)
  const draw = (member: string): string =>
    hash('sha256', Buffer.concat([secret, Buffer.from(member)]))
  const members = new Map<string, Map<string, Key>>()
  const groupsOf = new Map<string, number>()

  function note(key: Key, entry: Entry): void {
    const group = members.get(entry.group) ?? new Map<string, Key>()
    if (!group.has(entry.member) && entry.provider) {
      groupsOf.set(entry.member, (groupsOf.get(entry.member) ?? 0) + 1)
    }
    members.set(entry.group, group.set(entry.member, key))
  }

  function forget(key: Key): void {
    const entry = entryOf(key)
    const group = entry === undefined ? undefined : members.get(entry.group)
    if (entry === undefined || group?.delete(entry.member) !== true) return
    if (group.size === 0) members.delete(entry.group)
    if (!entry.provider) return
    const left = (groupsOf.get(entry.member) ?? 1) - 1
    if (left === 0) groupsOf.delete(entry.member)
    else groupsOf.set(entry.member, left)
  }

  /** Makes room for a newcomer or throws REFUSED_FULL, which the other end sees as a reset of its stream. */
  async function makeRoom(entry: Entry): Promise<void> {
    const group = members.get(entry.group)
    if (group?.has(entry.member) === true) return
    if (entry.provider && (groupsOf.get(entry.member) ?? 0) >= caps.perPeer) {
      throw new NodeError('REFUSED_FULL', `${entry.member} is a provider of ${caps.perPeer} keys`)
    }
    if (group === undefined || group.size < (entry.provider ? caps.perKey : caps.records)) return
    const unlucky = [...group.keys(), entry.member].reduce((a, b) => (draw(a) > draw(b) ? a : b))
    const victim = group.get(unlucky)
    if (victim === undefined) throw new NodeError('REFUSED_FULL', 'there is no room for another')
    forget(victim)
    await inner.delete(victim)
  }

  /** What an earlier process of this node left behind counts too. */
  let loading: Promise<void> | undefined
  async function load(): Promise<void> {
    for await (const key of inner.queryKeys({})) {
      const entry = entryOf(key)
      if (entry !== undefined) note(key, entry)
    }
  }

  async function put(key: Key, value: Uint8Array, options?: object): Promise<Key> {
    const entry = entryOf(key)
    if (entry !== undefined) {
      loading ??= load()
      await loading
      await makeRoom(entry)
      note(key, entry)
    }
    return inner.put(key, value, options)
  }

  /** kad-dht resets the stream of whoever asks for a key when one provider of it is not in its peer store. */
  async function hasAddresses(key: Key): Promise<boolean> {
    const entry = entryOf(key)
    if (entry === undefined) return true
    const peer = peerIdFromString(entry.member).toCID().toString()
    return inner.has(new Key(`/peers/${peer}`))
  }

  async function* query(asked: Query, options?: object): AsyncGenerator<Pair> {
    const providers = PROVIDERS.test(asked.prefix ?? '')
    for await (const pair of inner.query(asked, options)) {
      if (providers && nowMs() - writtenAtMs(pair.value) > PROVIDER_VALIDITY_MS) {
        forget(pair.key)
        await inner.delete(pair.key)
      } else if (!providers || (await hasAddresses(pair.key))) yield pair
    }
  }

  return {
    put,
    query,
    async delete(key, options) {
      forget(key)
      await inner.delete(key, options)
    },
    get: (key, options) => inner.get(key, options),
    has: (key, options) => inner.has(key, options),
    // None of these writes DHT entries: kad-dht puts and deletes them one by one.
    putMany: (source, options) => inner.putMany(source, options),
    getMany: (source, options) => inner.getMany(source, options),
    deleteMany: (source, options) => inner.deleteMany(source, options),
    batch: () => inner.batch(),
    queryKeys: (asked, options) => inner.queryKeys(asked, options),
  }
}

/** kad-dht writes a provider's time as an unsigned varint of unix ms. */
function writtenAtMs(value: Uint8Array): number {
  let ms = 0
  for (const [i, byte] of value.entries()) ms += (byte & 127) * 2 ** (7 * i)
  return ms
}

import { once } from 'node:events'
import { MemoryDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'
import { afterEach, expect, test } from 'vitest'
import { silent } from '../../src/log.ts'
import { classKey, sealCapability, shardOf, utcDay } from '../../src/protocols/capability.ts'
import {
  capabilityKey,
  capabilityValidator,
  openCapability,
} from '../../src/protocols/capability-dht.ts'
import { createDhtRecords } from '../../src/protocols/dht.ts'
import { cappedDatastore, PROVIDER_VALIDITY_MS } from '../../src/protocols/dht-datastore.ts'
import { keyOfPeerId } from '../../src/protocols/peer-key.ts'
import { capabilityOf, NOW_MS, testKey, testNet } from '../support/market.ts'
import { connectAll, createTestNode, type TestNode } from '../support/nodes.ts'

const net = testNet()
const nowMs = () => NOW_MS
const key = testKey(1)
const dhtKey = capabilityKey(key.peerId)
const record = (seq: number) => sealCapability(net, key, { ...capabilityOf(key), seq }).bytes
const seqOf = (bytes: Uint8Array) => openCapability(net, dhtKey, bytes, NOW_MS).payload.seq

const running: TestNode[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()))
})
async function start(
  options: readonly Parameters<typeof createTestNode>[0][],
): Promise<TestNode[]> {
  const nodes = await Promise.all(options.map((one) => createTestNode(one)))
  running.push(...nodes)
  await connectAll(nodes)
  return nodes
}
const guarded = () => ({ dht: capabilityValidator(net, { nowMs }) })
/** What a validator without memory would be: every good signature passes. */
const unguarded = () => {
  const { selectors } = capabilityValidator(net, { nowMs })
  const capability = (at: Uint8Array, value: Uint8Array) =>
    void openCapability(net, at, value, NOW_MS)
  return { dht: { validators: { capability }, selectors } }
}
const recordsOf = (node: TestNode) =>
  createDhtRecords(node.services.dht, { net, log: silent, nowMs })

async function replay(nodes: TestNode[]): Promise<number[]> {
  const [, owner, attacker, reader] = nodes.map(recordsOf)
  await owner!.put(dhtKey, record(NOW_MS - 2))
  await owner!.put(dhtKey, record(NOW_MS - 1))
  await attacker!.put(dhtKey, record(NOW_MS - 2))
  return [...new Set((await reader!.values(dhtKey)).map(seqOf))]
}

test('an old record put again does not replace the newer one', async () => {
  const seqs = await replay(await start([guarded(), guarded(), guarded(), guarded()]))
  expect(seqs).toContain(NOW_MS - 1)
  const [reader] = running.slice(-1).map(recordsOf)
  expect((await reader!.capability(key.peerId))?.payload.seq).toBe(NOW_MS - 1)
})

test('without the memory of the validator the replay wins, so the test above tests it', async () => {
  const seqs = await replay(await start([unguarded(), unguarded(), unguarded(), unguarded()]))
  expect(seqs).toEqual([NOW_MS - 2])
})

test('a holder that serves an old record and refuses correction hides nothing', async () => {
  const stubborn = unguarded()
  let refusing = false
  const pass = stubborn.dht.validators.capability
  stubborn.dht.validators.capability = (at, value) => {
    if (refusing) throw new Error('no')
    pass(at, value)
  }
  const nodes = await start([unguarded(), unguarded(), unguarded(), stubborn])
  const [, owner, reader] = nodes.map(recordsOf)
  await owner!.put(dhtKey, record(NOW_MS - 2))
  refusing = true
  await owner!.put(dhtKey, record(NOW_MS - 1))
  // kad-dht's own get fails because of that holder
  const plain = (async () => {
    for await (const event of nodes[2]!.services.dht.get(dhtKey)) {
      if (event.name === 'VALUE') return seqOf(event.value)
    }
    return undefined
  })()
  await expect(plain).rejects.toThrow(/correction/)
  expect((await reader!.capability(key.peerId))?.payload.seq).toBe(NOW_MS - 1)
})

test('a holder that hangs does not hide what another one answered', {
  timeout: 15_000,
}, async () => {
  const dht = {
    async *get(_: Uint8Array, { signal }: { signal: AbortSignal }) {
      yield { name: 'PEER_RESPONSE', record: { value: record(NOW_MS - 1) } }
      yield { name: 'PEER_RESPONSE', record: { value: record(NOW_MS) } }
      await once(signal, 'abort')
    },
  }
  const records = createDhtRecords(dht as never, { net, log: silent, nowMs })
  expect((await records.capability(key.peerId))?.payload.seq).toBe(NOW_MS)
})

test('a forged record is refused by its holders and never returned', async () => {
  const nodes = await start([guarded(), guarded(), guarded()])
  const [, attacker, reader] = nodes.map(recordsOf)
  const forged = Uint8Array.from(record(NOW_MS))
  forged[forged.length - 1]! ^= 1
  expect(await attacker!.put(dhtKey, forged)).toBe(0)
  expect(await reader!.capability(key.peerId)).toBeUndefined()
})

test('peers are found by class from another node', async () => {
  const nodes = await start([guarded(), guarded(), guarded()])
  const [, miner, renter] = nodes
  const shard = shardOf(keyOfPeerId(miner!.peerId.toString()))
  const told = await recordsOf(miner!).provide(classKey(net, 'gpu:h100-sxm', shard, utcDay(NOW_MS)))
  expect(told).toBeGreaterThan(0)
  const found = await recordsOf(renter!).peersOfClass('gpu:h100-sxm', 10)
  expect(found.map((info) => info.id.toString())).toEqual([miner!.peerId.toString()])
  expect(found[0]!.multiaddrs.length).toBeGreaterThan(0)
  expect(await recordsOf(renter!).peersOfClass('gpu:a100', 10)).toEqual([])
})

// Trap 13: a provider that left and whose addresses were forgotten made holders reset everyone who asked for its key.
async function departed(datastore: MemoryDatastore | ReturnType<typeof cappedDatastore>) {
  const holder = { ...guarded(), datastore }
  const [h, leaver, stayer, reader] = await start([holder, guarded(), guarded(), guarded()])
  const at = classKey(net, 'cpu', 0, 0)
  // Straight into the holder's books, so that no other node can answer in its place.
  for (const node of [leaver!, stayer!]) {
    await datastore.put(new Key(providerName(at.multihash.bytes, node)), varint(Date.now()))
  }
  await h!.peerStore.merge(stayer!.peerId, { multiaddrs: stayer!.getMultiaddrs() })
  await leaver!.stop()
  await h!.peerStore.delete(leaver!.peerId)
  const found = await recordsOf(reader!).providers(at, 10)
  return found.map((info) => info.id.toString()).map((id) => id === stayer!.peerId.toString())
}
const providerName = (multihash: Uint8Array, node: TestNode) =>
  `/dht/provider/${base32(multihash)}/${node.peerId.toString()}`
function base32(bytes: Uint8Array): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('')
}
function varint(value: number): Uint8Array {
  const out: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...out, rest])
    out.push((rest % 128) | 128)
  }
}

test('a provider that departed and was forgotten hides no other provider', async () => {
  expect(await departed(cappedDatastore(new MemoryDatastore(), { nowMs: Date.now }))).toEqual([
    true,
  ])
})

test('without the guard it hides them, so the test above tests it', async () => {
  expect(await departed(new MemoryDatastore())).toEqual([])
})

test('providers are bounded per key and per peer, and records in all', async () => {
  const inner = new MemoryDatastore()
  const store = cappedDatastore(inner, {
    nowMs: Date.now,
    caps: { perKey: 3, perPeer: 2, records: 2 },
  })
  const put = async (name: string) => store.put(new Key(name), varint(Date.now()))
  await put('/dht/provider/k1/p')
  await put('/dht/provider/k2/p')
  await put('/dht/provider/k2/p')
  await expect(put('/dht/provider/k3/p')).rejects.toThrow(/is a provider of 2 keys/)
  let refused = 0
  for (let i = 0; i < 20; i++) await put(`/dht/provider/full/q${i}`).catch(() => refused++)
  for (let i = 0; i < 20; i++) await put(`/dht/record/r${i}`).catch(() => refused++)
  expect(refused).toBeGreaterThan(0)
  const names: string[] = []
  for await (const one of inner.queryKeys({})) names.push(one.toString())
  expect(names.filter((name) => name.includes('/full/'))).toHaveLength(3)
  expect(names.filter((name) => name.includes('/record/'))).toHaveLength(2)
  await store.delete(new Key('/dht/provider/k1/p'))
  await put('/dht/provider/k3/p')
})

test('what an earlier process left counts', async () => {
  const inner = new MemoryDatastore()
  await inner.put(new Key('/dht/provider/k1/p'), varint(Date.now()))
  const store = cappedDatastore(inner, {
    nowMs: Date.now,
    caps: { perKey: 9, perPeer: 1, records: 9 },
  })
  await expect(store.put(new Key('/dht/provider/k2/p'), varint(1))).rejects.toThrow(/provider of 1/)
})

test('expired providers are gone at the next look', async () => {
  const inner = new MemoryDatastore()
  let now = 1_000_000
  const store = cappedDatastore(inner, { nowMs: () => now })
  const peer = testKey(1).peerId
  await store.put(new Key(`/dht/provider/k/${peer}`), varint(now))
  now += PROVIDER_VALIDITY_MS + 1
  const seen: unknown[] = []
  for await (const pair of store.query({ prefix: '/dht/provider' })) seen.push(pair)
  expect(seen).toEqual([])
  expect(await inner.has(new Key(`/dht/provider/k/${peer}`))).toBe(false)
})

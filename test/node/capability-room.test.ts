import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { type Hotkey, keyFromSeed } from '../../src/chain/keys.ts'
import { silent } from '../../src/log.ts'
import { createCapabilities } from '../../src/node/capabilities.ts'
import { type ChainView, createChainView } from '../../src/node/chain-view.ts'
import { createEvents } from '../../src/node/events.ts'
import { makeBinding } from '../../src/node/own-binding.ts'
import { openStore } from '../../src/node/store.ts'
import { bindingLeaf, bindingTree, encodeCommitment } from '../../src/protocols/binding.ts'
import { type Capability, sealCapability } from '../../src/protocols/capability.ts'
import type { DhtRecords } from '../../src/protocols/dht.ts'
import type { Signed } from '../../src/protocols/signed.ts'
import { capabilityOf, NOW_MS, testKey, testNet } from '../support/market.ts'

const net = testNet()
const self = testKey(1)
const PLACES = 12
const EXPIRES = 1000
const hotkeys = [11, 12].map((seed) => keyFromSeed('ed25519', new Uint8Array(32).fill(seed)))
const [farm, other] = hotkeys as [Hotkey, Hotkey]

const plain = (seed: number, change: object = {}) =>
  sealCapability(net, testKey(seed), { ...capabilityOf(testKey(seed)), ...change })

/** Records of peers that one hotkey bound, and what it must commit to for that. */
function boundTo(hotkey: Hotkey, seeds: readonly number[]) {
  const keys = seeds.map(testKey)
  const bindings = keys.map(
    (key) => makeBinding({ net, hotkey, key, seq: 5, expiresAtBlock: EXPIRES }).binding,
  )
  const leaf = (peerKey: Uint8Array) =>
    bindingLeaf(net, { hotkey: hotkey.publicKey, seq: 5, expiresAtBlock: EXPIRES, peerKey })
  const { root, paths } = bindingTree(keys.map(({ publicKey }) => leaf(publicKey)))
  const records = keys.map((key, index) => {
    const binding = { ...bindings[index]!, index, path: [...paths[index]!] }
    return sealCapability(net, key, { ...capabilityOf(key), binding })
  })
  return { records, commitment: encodeCommitment({ seq: 5, bindingsRoot: root }) }
}

/** A capability book of twelve places in a real store, beside a chain on which `commitments` stand. */
async function open(commitments: Record<string, Uint8Array> = {}, folder?: string) {
  const path = folder ?? (await mkdtemp(join(tmpdir(), 'cn-room-')))
  if (folder === undefined) onTestFinished(() => rm(path, { recursive: true }))
  const store = await openStore(path)
  let now = NOW_MS
  const nowMs = (): number => now
  const held = new Map<string, Signed<Capability>>()
  const dht = { capability: async (peerId: string) => held.get(peerId) } as unknown as DhtRecords
  const core = { net, store, log: silent, nowMs, key: self, peerId: self.peerId }
  let view: ChainView | undefined
  const capabilities = await createCapabilities({ ...core, events: createEvents(nowMs) }, dht, {
    places: PLACES,
    ownerOf: (record) => view?.neuronFor(record)?.hotkey,
  })
  view = createChainView({
    net,
    log: silent,
    records: capabilities.all,
    recordOf: capabilities.known,
    revision: capabilities.revision,
  })
  const chain = {
    metagraph: async (netuid: number, block: object) => ({
      netuid,
      block,
      neurons: hotkeys.map(({ address, publicKey }) => ({
        hotkey: address,
        hotkeyPublicKey: publicKey,
      })),
    }),
    epoch: async () => ({}),
    commitments: async () =>
      new Map(Object.entries(commitments).map(([hotkey, bytes]) => [hotkey, { bytes, block: 1 }])),
  } as unknown as Chain
  const stored = async () => (await store.bucket('capabilities').keys().all()).toSorted()
  return {
    path,
    store,
    capabilities,
    view,
    stored,
    readChain: () => view.refresh(chain, { number: 10, hash: '0x00' }),
    at: (ms: number) => {
      now = ms
    },
    /** Shows records to the book, as discovery does; resolves with those it kept. */
    async meet(records: readonly Signed<Capability>[]) {
      const kept: string[] = []
      for (const record of records) {
        const { peerId } = record.payload
        held.set(peerId, record)
        if ((await capabilities.look(peerId)) !== undefined) kept.push(peerId)
      }
      return kept
    },
  }
}
const flood = (from: number, count = 30) => Array.from({ length: count }, (_, i) => plain(from + i))
const idsOf = (records: readonly Signed<Capability>[]) => records.map((r) => r.payload.peerId)

test('a flood of strangers before, and another after, keeps no bound peer out', async () => {
  const { records, commitment } = boundTo(farm, [2, 3, 4, 5])
  const node = await open({ [farm.address]: commitment })
  await node.readChain()
  expect(await node.meet(flood(50))).toHaveLength(PLACES)
  expect(await node.meet(records)).toEqual(idsOf(records))
  expect(await node.meet(flood(100))).toEqual([])
  expect(node.view.boundPeers().toSorted()).toEqual(idsOf(records).toSorted())
  // The strangers who were there first are the ones still there.
  const rest = node.capabilities.all().map(({ payload }) => payload.peerId)
  expect(rest.toSorted()).toEqual([...idsOf(flood(50, 8)), ...idsOf(records)].toSorted())
  expect(await node.stored()).toEqual(rest.toSorted())
  await node.store[Symbol.asyncDispose]()
  const again = await open({ [farm.address]: commitment }, node.path)
  await again.readChain()
  expect(await again.meet(flood(150))).toEqual([])
  expect(again.view.boundPeers()).toHaveLength(4)
  await again.store[Symbol.asyncDispose]()
})

test('a claim to a hotkey that the chain does not hold gets no place', async () => {
  const { records } = boundTo(farm, [2])
  const node = await open()
  await node.readChain()
  await node.meet(flood(50))
  expect(await node.meet(records)).toEqual([])
  await node.store[Symbol.asyncDispose]()
})

test('one hotkey that fills the book gives way to another, place by place', async () => {
  const greedy = boundTo(
    farm,
    Array.from({ length: 20 }, (_, i) => 100 + i),
  )
  const honest = boundTo(other, [2, 3])
  const node = await open({
    [farm.address]: greedy.commitment,
    [other.address]: honest.commitment,
  })
  await node.readChain()
  expect(await node.meet(greedy.records)).toHaveLength(PLACES)
  expect(await node.meet(honest.records)).toEqual(idsOf(honest.records))
  expect(await node.meet(greedy.records.slice(PLACES))).toEqual([])
  expect(node.view.boundPeers()).toHaveLength(PLACES)
  await node.store[Symbol.asyncDispose]()
})

test('what expired makes room for anybody, and this node’s own record always has a place', async () => {
  const node = await open()
  await node.meet([plain(50, { expiresAtMs: NOW_MS + 1000 }), ...flood(60, PLACES - 1)])
  expect(await node.meet([plain(90)])).toEqual([])
  node.at(NOW_MS + 1001)
  expect(await node.meet([plain(90), plain(91)])).toEqual([testKey(90).peerId])
  const { devices, classes, backend, engine, versions } = capabilityOf(self)
  await node.capabilities.announce({ devices, classes, backend, engine, versions })
  expect(node.capabilities.own()).toBeDefined()
  expect(await node.stored()).toHaveLength(PLACES)
  await node.store[Symbol.asyncDispose]()
})

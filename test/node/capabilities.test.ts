import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, type TestContext, test, vi } from 'vitest'
import { silent } from '../../src/log.ts'
import { createCapabilities } from '../../src/node/capabilities.ts'
import { createEvents } from '../../src/node/events.ts'
import type { Machine } from '../../src/node/machine.ts'
import { announceCapability } from '../../src/node/services/announce-capability.ts'
import { discoverCapabilities } from '../../src/node/services/discover-capabilities.ts'
import { openStore } from '../../src/node/store.ts'
import { type Binding, type Capability, sealCapability } from '../../src/protocols/capability.ts'
import type { DhtRecords } from '../../src/protocols/dht.ts'
import type { Signed } from '../../src/protocols/signed.ts'
import { capabilityOf, NOW_MS, offerOf, testKey, testNet } from '../support/market.ts'

const net = testNet()
const [self, other] = [testKey(1), testKey(2)]
const sealed = (change: object = {}, key = other) =>
  sealCapability(net, key, { ...capabilityOf(key), ...change })
const WAIT = { timeout: 10_000, interval: 20 }

// At once: each waits for intervals of its own node.

/** A node's capability book over a DHT that holds what the test puts there. */
async function open({ onTestFinished }: TestContext, folder?: string) {
  const path = folder ?? (await mkdtemp(join(tmpdir(), 'cn-capabilities-')))
  if (folder === undefined) onTestFinished(() => rm(path, { recursive: true }))
  const store = await openStore(path)
  let now = NOW_MS
  const held = new Map<string, Signed<Capability>>()
  const calls = { put: 0, provide: [] as string[], look: [] as string[] }
  let holders = 1
  const hanging = new Set<string>()
  const dht = {
    put: async () => {
      calls.put++
      return holders
    },
    provide: async (cid: unknown) => {
      calls.provide.push(String(cid))
      return holders
    },
    capability: async (peerId: string) => {
      calls.look.push(peerId)
      if (hanging.has(peerId)) await new Promise(() => undefined)
      return held.get(peerId)
    },
    peersOfClass: async () => [...held.keys()].map((id) => ({ id })),
  } as unknown as DhtRecords
  const events = createEvents(() => now)
  const core = { net, store, events, log: silent, nowMs: () => now, key: self, peerId: self.peerId }
  const capabilities = await createCapabilities(core, dht)
  return {
    path,
    store,
    core,
    dht,
    held,
    hanging,
    calls,
    capabilities,
    events,
    at: (ms: number) => {
      now = ms
    },
    withHolders: (n: number) => {
      holders = n
    },
  }
}

test.concurrent('the newest record of a peer stands until it expires', async (t) => {
  const { store, held, capabilities, at, events } = await open(t)
  held.set(other.peerId, sealed())
  expect(capabilities.known(other.peerId)).toBeUndefined()
  expect((await capabilities.look(other.peerId))?.payload.seq).toBe(NOW_MS)
  held.set(other.peerId, sealed({ seq: NOW_MS - 1 }))
  expect((await capabilities.look(other.peerId))?.payload.seq).toBe(NOW_MS)
  expect(events.recent().filter(({ event }) => event === 'capability-seen')).toHaveLength(1)
  expect(capabilities.askedAtMs(other.peerId)).toBe(NOW_MS)
  at(NOW_MS + 3_600_001)
  expect(capabilities.known(other.peerId)).toBeUndefined()
  expect(capabilities.all()).toEqual([])
  await store[Symbol.asyncDispose]()
})

test.concurrent('what was known survives a restart, and what expired meanwhile does not', async (t) => {
  const first = await open(t)
  first.held.set(other.peerId, sealed())
  await first.capabilities.look(other.peerId)
  await first.store[Symbol.asyncDispose]()
  const second = await open(t, first.path)
  expect(second.capabilities.known(other.peerId)?.payload.peerId).toBe(other.peerId)
  await second.store[Symbol.asyncDispose]()
})

test.concurrent('sequences rise, also when the clock was set back', async (t) => {
  const { store, capabilities, at } = await open(t)
  const what = {
    devices: [],
    classes: ['cpu'],
    backend: 'cpu',
    engine: 'none',
    versions: { node: '24', program: '1' },
  }
  const first = await capabilities.announce(what)
  at(NOW_MS - 60_000)
  const second = await capabilities.announce(what)
  expect(second.payload.seq).toBe(first.payload.seq + 1)
  await store[Symbol.asyncDispose]()
})

test.concurrent('classes are found among those listed and those known', async (t) => {
  const { store, held, capabilities } = await open(t)
  held.set(other.peerId, sealed())
  expect((await capabilities.findClass('cpu', 5)).map(({ payload }) => payload.peerId)).toEqual([
    other.peerId,
  ])
  expect(await capabilities.findClass('gpu:h100-sxm', 5)).toEqual([])
  await store[Symbol.asyncDispose]()
})

const machineWith = (binding?: () => Binding | undefined): Machine => ({
  devices: capabilityOf(self).devices,
  backend: 'cpu',
  engine: 'none',
  host: offerOf(self).host,
  ...(binding === undefined ? {} : { binding }),
})

test.concurrent('a node announces again until somebody holds it, at once when it changes, and not otherwise', async (t) => {
  const node = await open(t)
  const life = new AbortController()
  let bound: Binding | undefined
  node.withHolders(0)
  const service = announceCapability({
    ...node,
    core: node.core as never,
    machine: machineWith(() => bound),
  })
  await service.start(life.signal)
  await vi.waitFor(() => expect(node.calls.put).toBeGreaterThanOrEqual(2), WAIT)
  node.withHolders(3)
  const announced = () =>
    node.events
      .recent()
      .filter(({ event, holders }) => event === 'capability-announced' && holders === 3).length
  await vi.waitFor(() => expect(announced()).toBe(1), WAIT)
  expect(node.capabilities.own()?.payload.binding).toBeUndefined()
  bound = {
    hotkey: self.publicKey,
    hotkeyType: 'ed25519',
    seq: 1,
    expiresAtBlock: 9,
    sigHotkey: new Uint8Array(64),
    sigPeer: new Uint8Array(64),
    index: 0,
    path: [],
  }
  await vi.waitFor(
    () => expect(node.capabilities.own()?.payload.binding?.expiresAtBlock).toBe(9),
    WAIT,
  )
  await vi.waitFor(() => expect(announced()).toBe(2), WAIT)
  expect(new Set(node.calls.provide).size).toBe(1)
  life.abort()
  await node.store[Symbol.asyncDispose]()
})

test.concurrent('what holders forget is put again and again, although nothing changed', async (t) => {
  const node = await open(t)
  const life = new AbortController()
  await announceCapability({ ...node, core: node.core as never, machine: machineWith() }).start(
    life.signal,
  )
  await vi.waitFor(() => expect(node.calls.put).toBe(1), WAIT)
  for (const [times, laterMs] of [31_000, 62_000].entries()) {
    node.at(NOW_MS + laterMs)
    await vi.waitFor(() => expect(node.calls.put).toBe(times + 2), WAIT)
  }
  life.abort()
  await node.store[Symbol.asyncDispose]()
})

test.concurrent('a record that few hold is announced again soon, then less and less often', async (t) => {
  const node = await open(t)
  const life = new AbortController()
  t.onTestFinished(() => life.abort())
  node.withHolders(1)
  await announceCapability({ ...node, core: node.core as never, machine: machineWith() }).start(
    life.signal,
  )
  const announced = (times: number) =>
    vi.waitFor(() => expect(node.calls.put).toBe(times), { timeout: 10_000, interval: 20 })
  await announced(1)
  let now = NOW_MS
  for (const [i, waitMs] of [1000, 2000, 4000].entries()) {
    now += waitMs
    node.at(now)
    await announced(2 + i)
  }
  node.at(now + 7000)
  await delay(1500)
  expect(node.calls.put).toBe(4)
  node.withHolders(3)
  node.at(now + 8000)
  await announced(5)
  node.at(now + 37_000)
  await delay(1500)
  expect(node.calls.put).toBe(5)
  node.at(now + 38_000)
  await announced(6)
  life.abort()
  await node.store[Symbol.asyncDispose]()
})

test.concurrent('before midnight a node is listed under the keys of tomorrow too', async (t) => {
  const node = await open(t)
  node.at(Date.UTC(2026, 5, 1, 23, 30))
  const life = new AbortController()
  await announceCapability({ ...node, core: node.core as never, machine: machineWith() }).start(
    life.signal,
  )
  await vi.waitFor(() => expect(new Set(node.calls.provide).size).toBe(2), WAIT)
  life.abort()
  await node.store[Symbol.asyncDispose]()
})

/** Discovery over a node's book, with peers that the test connects. */
async function discovering(
  { onTestFinished }: TestContext,
  node: Awaited<ReturnType<typeof open>>,
  needs: object = {},
) {
  const connected = new Set<string>([self.peerId])
  const life = new AbortController()
  onTestFinished(() => life.abort())
  const service = discoverCapabilities({
    core: { ...node.core, libp2p: { getPeers: () => [...connected] } } as never,
    capabilities: node.capabilities,
    offers: { standing: () => [] } as never,
    ...needs,
  })
  await service.start(life.signal)
  const times = (peerId: string) => node.calls.look.filter((one) => one === peerId).length
  return { connected, times, stop: () => life.abort() }
}

test.concurrent('discovery asks about peers that offer, are bound or are connected, and asks again later', async (t) => {
  const node = await open(t)
  const [offering, bound, connected] = [testKey(5), testKey(6), testKey(7)]
  const found = await discovering(t, node, {
    offers: { standing: () => [{ payload: offerOf(offering) }] },
    boundPeers: () => [bound.peerId],
  })
  found.connected.add(connected.peerId)
  const asked = () => new Set(node.calls.look)
  await vi.waitFor(
    () => expect(asked()).toEqual(new Set([offering.peerId, bound.peerId, connected.peerId])),
    WAIT,
  )
  node.held.set(bound.peerId, sealed({}, bound))
  node.at(NOW_MS + 2000)
  await vi.waitFor(() => expect(node.capabilities.known(bound.peerId)).toBeDefined(), WAIT)
  found.stop()
  await node.store[Symbol.asyncDispose]()
})

test.concurrent('a peer whose holders hang keeps nobody else waiting', async (t) => {
  const node = await open(t)
  const [stuck, newcomer] = [testKey(5), testKey(6)]
  const { connected, times, stop } = await discovering(t, node)
  node.hanging.add(stuck.peerId)
  connected.add(stuck.peerId)
  await vi.waitFor(() => expect(times(stuck.peerId)).toBe(1), WAIT)
  node.held.set(newcomer.peerId, sealed({}, newcomer))
  connected.add(newcomer.peerId)
  await vi.waitFor(() => expect(node.capabilities.known(newcomer.peerId)).toBeDefined(), WAIT)
  expect(times(stuck.peerId)).toBe(1)
  stop()
  await node.store[Symbol.asyncDispose]()
})

test.concurrent('a peer that was asked about in vain for long is asked about at once when it greets', async (t) => {
  const node = await open(t)
  const peer = testKey(5)
  const { connected, times, stop } = await discovering(t, node)
  connected.add(peer.peerId)
  await vi.waitFor(() => expect(times(peer.peerId)).toBe(1), WAIT)
  let now = NOW_MS
  for (let looks = 2; looks <= 6; looks++) {
    now += 30_000
    node.at(now)
    await vi.waitFor(() => expect(times(peer.peerId)).toBe(looks), WAIT)
  }
  node.held.set(peer.peerId, sealed({}, peer))
  node.at(now + 4000) // by far not due again
  await delay(2500)
  expect(times(peer.peerId)).toBe(6)
  node.events.emit('peer-greeted', { peerId: peer.peerId })
  await vi.waitFor(() => expect(node.capabilities.known(peer.peerId)).toBeDefined(), WAIT)
  stop()
  await node.store[Symbol.asyncDispose]()
})

test.concurrent('who testifies unknown is asked about, a few at a time; a flood of such and of neighbours delays nobody bound', async (t) => {
  const node = await open(t)
  const life = new AbortController()
  const idOf = (seed: number) => testKey(seed).peerId
  const ids = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => idOf(from + i))
  const bound = ids(10, 20)
  node.at(NOW_MS)
  for (const peer of bound) await node.capabilities.look(peer)
  node.calls.look.length = 0
  node.at(NOW_MS + 3_600_000) // everyone's turn again; those never asked about would come first
  const service = discoverCapabilities({
    core: { ...node.core, libp2p: { getPeers: () => ids(40, 100) } } as never,
    capabilities: node.capabilities,
    offers: { standing: () => [] } as never,
    boundPeers: () => bound,
    testifying: () => ids(150, 30),
  })
  const round = Promise.withResolvers<void>()
  const { look } = node.capabilities
  node.capabilities.look = async (peer, signal) => {
    if (node.calls.look.length === 63) round.resolve()
    return look(peer, signal)
  }
  await service.start(life.signal)
  await round.promise
  life.abort()
  const asked = new Set(node.calls.look.slice(0, 64))
  expect(bound.every((peer) => asked.has(peer))).toBe(true)
  expect(ids(150, 30).filter((peer) => asked.has(peer))).toHaveLength(8)
  await node.store[Symbol.asyncDispose]()
})

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { onTestFinished } from 'vitest'
import type { DepositRail } from '../../src/chain/payment-rail.ts'
import type { Engine } from '../../src/containers/engine.ts'
import type { NodeError } from '../../src/errors.ts'
import { type Log, silent } from '../../src/log.ts'
import { createEvents, type NodeEvent } from '../../src/node/events.ts'
import { createCapacity } from '../../src/node/leases/capacity.ts'
import { createHostBook, type HostBook, type HostOptions } from '../../src/node/leases/host-book.ts'
import { oneEngine } from '../../src/node/leases/host-engines.ts'
import { createRentBook, type RentBook, type RentedNow } from '../../src/node/leases/rent-book.ts'
import { type RentOrder, rentLease, stopRequest } from '../../src/node/leases/rent-lease.ts'
import { runServices, type Service } from '../../src/node/service.ts'
import { hostLeases } from '../../src/node/services/host-leases.ts'
import { followAll, rent } from '../../src/node/services/rent.ts'
import { serveSessions } from '../../src/node/services/serve-sessions.ts'
import { openStore } from '../../src/node/store.ts'
import { leaseProtocol } from '../../src/protocols/lease.ts'
import type { Network } from '../../src/protocols/network.ts'
import { type Offer, sealOffer } from '../../src/protocols/offers.ts'
import type { RecordKey } from '../../src/protocols/seal.ts'
import { FakeEngine } from './fake-engine.ts'
import { FakeLedger } from './fake-ledger.ts'
import { net as testNet } from './lease.ts'
import { testKey } from './market.ts'
import { createRpcPeer, type RpcPeer } from './peers.ts'

type Key = RecordKey & { readonly peerId: string }

/** libp2p's form of a test key. */
function libp2pKey(key: Key) {
  const pkcs8 = createPrivateKey(key.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string)
  const seed = pkcs8.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
  const spki = createPublicKey(pkcs8).export({ format: 'der', type: 'spki' }).subarray(-32)
  return privateKeyFromRaw(Buffer.concat([seed, spki]))
}

/** A folder that goes when the test ends. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cn-lease-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

interface Common {
  readonly key: Key
  /** The tests' own network, unless signatures are to be good on some chain's ledger. */
  readonly net?: Network
  readonly ledger?: { railOf(key: Key): DepositRail } | undefined
  /** An existing folder: the node of a run before. */
  readonly folder?: string
  readonly log?: Log
}

async function base({ key, folder, net = testNet }: Common) {
  const peer = await createRpcPeer({ key: libp2pKey(key), net })
  const store = await openStore(join(folder ?? (await tempFolder()), 'store'))
  const events = createEvents(Date.now)
  return { peer, store, events }
}

export interface TestMiner {
  readonly key: Key
  readonly peer: RpcPeer
  readonly book: HostBook
  readonly events: () => readonly NodeEvent[]
  /** An offer of `cpu-0` that this miner signed now. */
  offer(changes?: Partial<Offer>): ReturnType<typeof sealOffer>
  stop(): Promise<void>
  /** Ends the process as `kill -9` does: nothing is told to anybody, nothing more is written. */
  kill(): Promise<void>
}

/** A miner over real libp2p, with an engine and a ledger of the test's choice. */
export async function startMiner(
  options: Common & {
    readonly engine: Engine | NodeError
    readonly endOnStop?: boolean
    readonly devices?: readonly string[]
    /** How long a shell whose connection broke is kept. */
    readonly shellGraceMs?: number
    /** And a snapshot. */
    readonly snapshotGraceMs?: number
    readonly book?: Partial<HostOptions>
  },
): Promise<TestMiner> {
  const { key, ledger, engine, endOnStop = true, devices = ['cpu-0'], shellGraceMs } = options
  const { log = silent, net = testNet } = options
  const { peer, store, events } = await base(options)
  const book = createHostBook({
    net,
    key,
    peerId: key.peerId,
    store,
    events,
    log,
    nowMs: Date.now,
    engines: oneEngine(engine),
    capacity: createCapacity(devices),
    rail: ledger?.railOf(key),
    room: () => ({ memoryMiB: 256, milliCpus: 1000, diskMiB: 100 }),
    receiptEveryMs: 200,
    creditMs: 60_000,
    graceMs: 60_000,
    ...options.book,
    gpuUuid: () => undefined,
    stands: () => true,
    endOnStop,
  })
  const parts = { rpc: peer.rpc, hosting: book, core: { libp2p: peer.libp2p } }
  const { snapshotGraceMs } = options
  const sessions = {
    ...parts,
    ...(shellGraceMs === undefined ? {} : { shellGraceMs }),
    ...(snapshotGraceMs === undefined ? {} : { snapshotGraceMs }),
  }
  const stop = await started([hostLeases(parts), serveSessions(sessions)], peer, store)
  return {
    key,
    peer,
    book,
    events: () => events.recent(),
    offer: (changes) => sealOffer(net, key, offerOf(key, changes)),
    stop,
    async kill() {
      book.lifetime.abort(new Error('killed'))
      for (const now of book.live.values()) now.closing.abort(new Error('killed'))
      peer.life.abort()
      await peer.libp2p.stop()
      await store[Symbol.asyncDispose]()
    },
  }
}

export interface TestRenter {
  readonly key: Key
  readonly peer: RpcPeer
  readonly book: RentBook
  readonly events: () => readonly NodeEvent[]
  stop(): Promise<void>
}

/** A renter over real libp2p that has met `miners`. */
export async function startRenter(
  options: Common & { readonly miners: readonly TestMiner[] },
): Promise<TestRenter> {
  const { key, ledger, miners, log = silent, net = testNet } = options
  const { peer, store, events } = await base(options)
  for (const { peer: miner } of miners) await connect(peer, miner)
  const book = createRentBook({
    net,
    key,
    peerId: key.peerId,
    store,
    events,
    log,
    nowMs: Date.now,
    rpc: peer.rpc,
    rail: ledger?.railOf(key),
  })
  const stop = await started([rent({ renting: book })], peer, store)
  return { key, peer, book, events: () => events.recent(), stop }
}

/** Connects; on a busy machine a connection may not be encrypted within the network's patience: then another is tried. */
async function connect(renter: RpcPeer, miner: Pick<RpcPeer, 'libp2p'>): Promise<void> {
  for (let triesLeft = 4; ; triesLeft--) {
    try {
      await renter.libp2p.dial(miner.libp2p.getMultiaddrs())
      return
    } catch (error) {
      if (triesLeft === 0) throw error
    }
  }
}

/** The renter finds a miner that was started again, at its new address. */
export const meet = (renter: Pick<TestRenter, 'peer'>, miner: Pick<TestMiner, 'peer'>) =>
  connect(renter.peer, miner.peer)

async function started(
  services: readonly Service[],
  peer: RpcPeer,
  store: AsyncDisposable,
): Promise<() => Promise<void>> {
  const running = await runServices(services)
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      await running[Symbol.asyncDispose]()
      peer.life.abort()
      await peer.libp2p.stop()
      await store[Symbol.asyncDispose]()
    })()
    return stopped
  }
  onTestFinished(stop)
  return stop
}

/** One CPU for 3.6 DEV per hour: one base unit per millisecond. */
export const offerOf = (key: Key, changes: Partial<Offer> = {}): Offer => ({
  peerId: key.peerId,
  lot: 0,
  seq: Date.now(),
  issuedAtMs: Date.now(),
  expiresAtMs: Date.now() + 600_000,
  devices: [{ id: 'cpu-0', vendor: 'AMD', name: 'CPU', vramMiB: 0 }],
  host: { cpuName: 'EPYC', cpuArch: 'amd64', cpuCores: 1, ramMiB: 64, diskMiB: 100 },
  engine: 'process',
  dph: '3.6',
  asset: 'DEV',
  terms: { minLeaseMs: 1000, maxLeaseMs: 3_600_000, rails: ['dev'] },
  ...changes,
})

let seed = 100
/** A key that no other test of this file uses. */
export const freshKey = (): Key => testKey(seed++)

/** One miner, one renter with 10 DEV, a fake engine and a fake ledger. */
export async function market() {
  const engine = new FakeEngine()
  const ledger = new FakeLedger()
  const miner = await startMiner({ key: freshKey(), ledger, engine })
  const renter = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  ledger.grant(renter.key, 10_000_000n)
  return { engine, ledger, miner, renter }
}

/** The usual order for what a miner offers now: a minute of busybox. */
export const orderOf = (miner: TestMiner, changes: Partial<RentOrder> = {}): RentOrder => ({
  offer: miner.offer(),
  image: 'busybox:1.37',
  durationMs: 60_000,
  ...changes,
})

/** Rents and follows, as the node does. */
export async function take(renter: TestRenter, order: RentOrder): Promise<RentedNow> {
  try {
    return await rentLease(renter.book, order)
  } finally {
    followAll(renter.book)
  }
}

/** Asks the miner to end a lease. */
export const stopLease = (renter: TestRenter, now: RentedNow, reason = 'done') =>
  renter.peer.rpc.ask(leaseProtocol, now.terms.miner, stopRequest(now, reason))

/** The miner of `bench crowd`, a process of its own: its books, its engine and its sessions, as a node has them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDockerEngine } from '../../src/containers/docker-engine.ts'
import { silent } from '../../src/log.ts'
import { createEvents } from '../../src/node/events.ts'
import { loadIdentity } from '../../src/node/identity.ts'
import { createCapacity } from '../../src/node/leases/capacity.ts'
import { createHostBook } from '../../src/node/leases/host-book.ts'
import { oneEngine } from '../../src/node/leases/host-engines.ts'
import { createUnpaidHolds } from '../../src/node/leases/unpaid-holds.ts'
import { runServices } from '../../src/node/service.ts'
import { hostLeases } from '../../src/node/services/host-leases.ts'
import { serveSessions } from '../../src/node/services/serve-sessions.ts'
import { openStore } from '../../src/node/store.ts'
import { type Offer, sealOffer } from '../../src/protocols/offers.ts'
import { answerParent } from './child.ts'
import { benchNet, startPeer } from './peer.ts'

/** What the parent asks; each is answered. */
export type CrowdMessage =
  | { readonly kind: 'start'; readonly devices: number; readonly payer: string }
  | { readonly kind: 'memory' }
  | { readonly kind: 'stop' }

export interface CrowdMiner {
  readonly address: string
  readonly peerId: string
  /** A signed offer of each device, in hex. */
  readonly offers: readonly string[]
}

let running: AsyncDisposable | undefined

answerParent(async (message: CrowdMessage) => {
  if (message.kind === 'start') return start(message.devices, message.payer)
  if (message.kind === 'stop') await running?.[Symbol.asyncDispose]()
  return { memoryBytes: process.memoryUsage().rss }
})

async function start(devices: number, payer: string): Promise<CrowdMiner> {
  const folder = await mkdtemp(join(tmpdir(), 'cn-bench-crowd-'))
  const { privateKey, recordKey, peerId } = await loadIdentity(join(folder, 'key'), silent)
  const peer = await startPeer(privateKey)
  const store = await openStore(join(folder, 'store'))
  const engine = await createDockerEngine({ nodeId: peerId })
  const ids = Array.from({ length: devices }, (_, n) => `cpu-${n}`)
  const book = createHostBook({
    ...{
      net: benchNet,
      key: recordKey,
      peerId,
      store,
      engines: oneEngine(engine),
      nowMs: Date.now,
      log: silent,
    },
    ...{ events: createEvents(Date.now), capacity: createCapacity(ids) },
    ...{
      room: () => ({ memoryMiB: 16, milliCpus: 1000 }),
      receiptEveryMs: 10_000,
      creditMs: 600_000,
      graceMs: 600_000,
    },
    ...{ gpuUuid: () => undefined, stands: () => true, endOnStop: true },
  })
  // Its renter has paid here before and may reserve without waiting: the crowd is not what the ration is for.
  await book.payers.put(payer, Uint8Array.of(1))
  const free = { burst: devices, everyMs: 1 }
  Object.assign(book, { unpaid: createUnpaidHolds(Date.now, { peer: free, prefix: free }) })
  const parts = { rpc: peer.rpc, hosting: book, core: { libp2p: peer.libp2p } }
  const services = await runServices([hostLeases(parts), serveSessions(parts)])
  running = {
    async [Symbol.asyncDispose]() {
      await services[Symbol.asyncDispose]()
      await peer[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await engine.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
  const offers = ids.map((id, lot) => {
    const { bytes } = sealOffer(benchNet, recordKey, offerOf(peerId, id, lot % 16))
    return Buffer.from(bytes).toString('hex')
  })
  const address = peer.libp2p.getMultiaddrs()[0]!.toString()
  return { address, peerId, offers }
}

const offerOf = (peerId: string, id: string, lot: number): Offer => ({
  ...{ peerId, lot, seq: Date.now(), issuedAtMs: Date.now(), expiresAtMs: Date.now() + 600_000 },
  devices: [{ id, vendor: 'AMD', name: 'CPU', vramMiB: 0 }],
  host: { cpuName: 'CPU', cpuArch: 'amd64', cpuCores: 1, ramMiB: 16, diskMiB: 1024 },
  ...{ engine: 'docker', dph: '0', asset: 'DEV' },
  terms: { minLeaseMs: 1000, maxLeaseMs: 3_600_000, rails: ['dev'] },
})

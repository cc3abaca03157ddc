import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type DevBeacon, devBeacon, roundAt } from '../../src/beacon.ts'
import { every } from '../../src/clock.ts'
import type { ProofSizes } from '../../src/gpu/backend.ts'
import type { BackendDevice } from '../../src/gpu/backends.ts'
import { createProver } from '../../src/gpu/prover-process.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { createVerifier } from '../../src/gpu/verifier.ts'
import { silent } from '../../src/log.ts'
import { createAttestations } from '../../src/node/attestations.ts'
import { configWith } from '../../src/node/config.ts'
import type { Core, NodeLibp2p } from '../../src/node/core.ts'
import { createEvents, type NodeEvent } from '../../src/node/events.ts'
import { createFrauds } from '../../src/node/fraud/fraud-book.ts'
import { loadIdentity } from '../../src/node/identity.ts'
import type { Misbehaviour } from '../../src/node/miner-run.ts'
import { createPulseBook } from '../../src/node/pulse-book.ts'
import { runServices, type Service } from '../../src/node/service.ts'
import { answerChallenges } from '../../src/node/services/answer-challenges.ts'
import { challengeMiners } from '../../src/node/services/challenge-miners.ts'
import { collectAttestations } from '../../src/node/services/collect-attestations.ts'
import { hearBook } from '../../src/node/services/collect-offers.ts'
import { type PulseSource, relayPulses } from '../../src/node/services/relay-pulses.ts'
import { serveTranscripts } from '../../src/node/services/serve-transcripts.ts'
import { weighAccusations } from '../../src/node/services/weigh-accusations.ts'
import { openStore } from '../../src/node/store.ts'
import { createTranscriptStore } from '../../src/node/transcript-store.ts'
import type { PermittedValidator } from '../../src/node/validator-view.ts'
import type { Capability } from '../../src/protocols/capability.ts'
import { createRpc } from '../../src/protocols/rpc.ts'
import { createPulseVerifier } from '../../src/pulse-verifier.ts'
import { capabilityOf, testNet } from './market.ts'
import { createTestNode } from './nodes.ts'

/** One node of the market. */
export interface Member {
  readonly peerId: string
  readonly core: Core
  readonly events: NodeEvent[]
  readonly parts: Awaited<ReturnType<typeof partsOf>>
  stop(): Promise<void>
}

export interface MemberOptions {
  readonly misbehaviour?: Misbehaviour
  /** Keeps identity and store here, so that a later node can be the same one; removed by the caller. */
  readonly folder?: string
  /** Where it has pulses from besides gossip; the first node made signs them otherwise. */
  readonly pulseSource?: PulseSource
  /** What a miner's one device is proven by, and its sizes; small ones by one thread of the processor otherwise. */
  readonly proof?: { readonly device: BackendDevice; readonly sizes: ProofSizes }
}

const byProcessor = {
  device: { backend: 'cpu', threads: 1 },
  sizes: { n: 256, bytes: 2 ** 20 },
} as const

const slots = slotNetworks.local

/** What several nodes share: who validates, who announced what. */
interface Shared {
  readonly beacon: DevBeacon
  readonly validators: PermittedValidator[]
  readonly capabilities: { publicKey: Uint8Array; payload: Capability }[]
  readonly nodes: NodeLibp2p[]
}

async function partsOf(
  core: Core,
  shared: Shared,
  life: AbortSignal,
  pulseSource: PulseSource | undefined,
  device: BackendDevice,
) {
  const { beacon } = shared
  const { store, log, nowMs, net, libp2p } = core
  const verifier = createPulseVerifier(beacon, log)
  const gemm = createVerifier(log)
  const prover = createProver(device, log)
  onTestFinished(async () => {
    for (const thread of [verifier, gemm, prover]) await thread[Symbol.asyncDispose]()
  })
  const validators = { validators: () => shared.validators }
  const pulses = createPulseBook({ beacon, slots, verifier, nowMs, log })
  const attestations = await createAttestations(core, { beacon, slots, validators })
  return {
    core,
    rpc: createRpc(libp2p, net, { log, signal: life, nowMs }),
    pulses,
    pulseSource,
    validators,
    transcripts: createTranscriptStore(store, nowMs),
    attestations,
    frauds: await createFrauds({ core, attestations, beacon, slots, pulses, verifier: gemm }),
    capabilities: {
      own: () => shared.capabilities.find(({ payload }) => payload.peerId === core.peerId),
      all: () => shared.capabilities,
    },
    verifier: gemm,
    proverOf: () => prover,
  }
}

/** Signs every pulse at its time. */
const sourceOf = (beacon: DevBeacon): PulseSource => ({
  async follow(sink, signal) {
    let last = roundAt(beacon, Date.now())
    void every(20, { signal, log: silent, name: 'beacon' }, async () => {
      while (last < roundAt(beacon, Date.now())) await sink.take(beacon.sign(++last))
    })
  },
})

/** Hears proofs of fraud as a whole node does. */
const hearFrauds = ({ core, frauds }: Awaited<ReturnType<typeof partsOf>>): Service => ({
  name: 'hear-frauds',
  async start(signal) {
    hearBook(core, frauds.book, signal)
  },
})

/** A market with slots every 12 s; the first node made has the beacon as a source. */
export function createSlotMarket() {
  const period = 1000
  const genesisMs = Date.now() - period
  const beacon = devBeacon(new Uint8Array(32).fill(5), period, genesisMs)
  const shared: Shared = { beacon, validators: [], capabilities: [], nodes: [] }

  async function node(role: 'miner' | 'validator', options: MemberOptions = {}): Promise<Member> {
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'slot-market-')))
    const identity = await loadIdentity(join(folder, 'key'), silent)
    const { privateKey, recordKey: key } = identity
    const libp2p = (await createTestNode({ privateKey })) as unknown as NodeLibp2p
    const store = await openStore(join(folder, 'store'))
    const events = createEvents(Date.now)
    const { peerId } = identity
    const config = configWith({ network: 'local' })
    const core: Core = {
      config,
      net: testNet(),
      peerId,
      key,
      libp2p,
      store,
      events,
      log: silent,
      nowMs: Date.now,
    }
    const life = new AbortController()
    if (role === 'validator' && shared.validators.every((v) => v.peerId !== peerId)) {
      shared.validators.push({ peerId, stake: 100n })
    }
    const { device, sizes } = options.proof ?? byProcessor
    const announced = { proofN: sizes.n, proofBytes: sizes.bytes }
    const devices = [{ id: 'cpu-0', vendor: 'cpu', name: 'CPU', vramMiB: 0, ...announced }]
    if (role === 'miner') {
      const payload = { ...capabilityOf({ peerId }), devices } as Capability
      shared.capabilities.push({ publicKey: key.publicKey, payload })
    }
    const source = options.pulseSource ?? (shared.nodes.length === 0 ? sourceOf(beacon) : undefined)
    const parts = await partsOf(core, shared, life.signal, source, device)
    const seen: NodeEvent[] = []
    events.subscribe((event) => seen.push(event), life.signal)
    const services = [
      relayPulses(parts),
      serveTranscripts(parts),
      collectAttestations(parts),
      hearFrauds(parts),
      weighAccusations(parts),
      role === 'miner' ? answerChallenges(parts, options.misbehaviour) : challengeMiners(parts),
    ]
    // Before services start: they would look for unknown addresses in a DHT that knows nobody yet.
    for (const other of shared.nodes) await libp2p.dial(other.getMultiaddrs())
    const running = await runServices(services)
    shared.nodes.push(libp2p)
    let stopped = false
    const stop = async (): Promise<void> => {
      if (stopped) return
      stopped = true
      shared.nodes.splice(shared.nodes.indexOf(libp2p), 1)
      await running[Symbol.asyncDispose]()
      life.abort()
      await libp2p.stop()
      await store[Symbol.asyncDispose]()
      if (options.folder === undefined) await rm(folder, { recursive: true })
    }
    onTestFinished(stop)
    return { peerId, core, events: seen, parts, stop }
  }
  /** The first slot that everyone who is there now sees as a whole. */
  const nextSlot = (): number => {
    const round = roundAt(beacon, Date.now() + 500) + 1
    return Math.ceil(round / slots.stride) * slots.stride
  }
  return { beacon, nextSlot, shared, node }
}

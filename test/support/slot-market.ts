import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type DevBeacon, devBeacon, type Pulse, roundAt } from '../../src/beacon.ts'
import { every } from '../../src/clock.ts'
import type { Backend, ProofSizes } from '../../src/gpu/backend.ts'
import type { BackendDevice } from '../../src/gpu/backends.ts'
import type { Prover } from '../../src/gpu/prover.ts'
import { createProver } from '../../src/gpu/prover-process.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { createVerifier } from '../../src/gpu/verifier.ts'
import { silent } from '../../src/log.ts'
import { createAttestations } from '../../src/node/attestations.ts'
import { configWith } from '../../src/node/config.ts'
import type { Core, NodeLibp2p } from '../../src/node/core.ts'
import { createEvents, type NodeEvent } from '../../src/node/events.ts'
import { createFalseWitnesses } from '../../src/node/false-witnesses.ts'
import { createFrauds } from '../../src/node/fraud/fraud-book.ts'
import { loadIdentity } from '../../src/node/identity.ts'
import { createMeters } from '../../src/node/metrics/meters.ts'
import type { Misbehaviour } from '../../src/node/miner-run.ts'
import { createPulseBook } from '../../src/node/pulse-book.ts'
import { runServices, type Service } from '../../src/node/service.ts'
import { answerChallenges } from '../../src/node/services/answer-challenges.ts'
import { challengeMiners } from '../../src/node/services/challenge-miners.ts'
import { checkWitnesses } from '../../src/node/services/check-witnesses.ts'
import { collectAttestations } from '../../src/node/services/collect-attestations.ts'
import { hearBook } from '../../src/node/services/collect-offers.ts'
import { type PulseSource, relayPulses } from '../../src/node/services/relay-pulses.ts'
import { serveTranscripts } from '../../src/node/services/serve-transcripts.ts'
import { weighAccusations } from '../../src/node/services/weigh-accusations.ts'
import { openStore } from '../../src/node/store.ts'
import { createTranscriptStore } from '../../src/node/transcript-store.ts'
import type { PermittedValidator } from '../../src/node/validator-view.ts'
import type { Capability } from '../../src/protocols/capability.ts'
import { gossipScores } from '../../src/protocols/gossip.ts'
import { createRpc } from '../../src/protocols/rpc.ts'
import { createPulseVerifier, type PulseVerifier } from '../../src/pulse-verifier.ts'
import { createInProcessProver } from './in-process-prover.ts'
import { capabilityOf, testNet } from './market.ts'
import { createTestNode } from './nodes.ts'

/** One node of the market. */
export interface Member {
  readonly peerId: string
  readonly core: Core
  readonly events: NodeEvent[]
  readonly parts: MemberParts
  stop(): Promise<void>
}

/** What a member's services are made of. */
export type MemberParts = Awaited<ReturnType<typeof partsOf>>

export interface MemberOptions {
  readonly misbehaviour?: Misbehaviour
  /** Keeps identity and store here, so that a later node can be the same one; removed by the caller. */
  readonly folder?: string
  /** Where it has pulses from besides gossip; the first node made signs them otherwise. */
  readonly pulseSource?: PulseSource
  /** What a miner's one device is proven by, and its sizes; small ones by one thread of the processor otherwise. */
  readonly proof?: { readonly device: BackendDevice; readonly sizes: ProofSizes }
  /** A validator's; 100 otherwise. */
  readonly stake?: bigint
  /** The share of openings that it looks at where it was not drawn. */
  readonly sampling?: number
  /** Connects to these alone. */
  readonly knows?: readonly Member[]
  /** Connects to the first node alone: gossip may then be slow, so it needs pulses of its own. */
  readonly knowsFirstOnly?: boolean
  /** Proves in this process, slowly, instead of in one of its own. */
  readonly backend?: Backend
  /** Of the device it announces. */
  readonly device?: { readonly id: string; readonly vendor: string; readonly name: string }
  /** Makes services of other parts, so that they do other than an honest node's. */
  readonly change?: (parts: MemberParts) => MemberParts
  /** Runs instead of the service of its role. */
  readonly service?: (parts: MemberParts) => Service
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
  readonly pulseVerifier: PulseVerifier
}

/** One for all nodes, which verifies each pulse once: thirty of them would keep a machine busy with nothing else. */
function sharedPulseVerifier(beacon: DevBeacon): PulseVerifier {
  const verifier = createPulseVerifier(beacon, silent)
  onTestFinished(() => verifier[Symbol.asyncDispose]())
  const known = new Map<string, ReturnType<PulseVerifier['verify']>>()
  return {
    ...verifier,
    verify(round, signature) {
      const key = `${round}/${Buffer.from(signature).toString('hex')}`
      const found = known.get(key) ?? verifier.verify(round, signature)
      known.set(key, found)
      return found
    },
  }
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
  const verifier = shared.pulseVerifier
  const gemm = createVerifier(log)
  const prover = createProver(device, log)
  onTestFinished(async () => {
    for (const thread of [gemm, prover]) await thread[Symbol.asyncDispose]()
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
    witnesses: await createFalseWitnesses(core, beacon),
    frauds: await createFrauds({
      ...{ core, attestations, beacon, slots, pulses, verifier: gemm, validators },
      isBound: () => true,
    }),
    capabilities: {
      own: () => shared.capabilities.find(({ payload }) => payload.peerId === core.peerId),
      all: () => shared.capabilities,
    },
    verifier: gemm,
    proverOf: (): Prover => prover,
    mayProve: (_gpu: string): boolean => true,
  }
}

/** Signs every pulse at its time, once for all who follow. */
function sourceOf(beacon: DevBeacon): PulseSource {
  const signed = new Map<number, Pulse>()
  const pulseOf = (round: number): Pulse => {
    const pulse = signed.get(round) ?? beacon.sign(round)
    signed.set(round, pulse)
    return pulse
  }
  return {
    async follow(sink, signal) {
      let last = roundAt(beacon, Date.now())
      void every(20, { signal, log: silent, name: 'beacon' }, async () => {
        while (last < roundAt(beacon, Date.now())) await sink.take(pulseOf(++last))
      })
    },
  }
}

/** Connects two nodes; a busy machine may take several tries to shake hands. */
async function meet(one: NodeLibp2p, other: NodeLibp2p, tries = 6): Promise<void> {
  for (let left = tries; ; left--) {
    try {
      await one.dial(other.getMultiaddrs())
      return
    } catch (error) {
      if (left <= 1) throw error
    }
  }
}

/** Hears proofs of fraud as a whole node does. */
const hearFrauds = ({ core, frauds }: Awaited<ReturnType<typeof partsOf>>): Service => ({
  name: 'hear-frauds',
  async start(signal) {
    hearBook(core, frauds.book, signal)
  },
})

const serviceOf = (
  role: 'miner' | 'validator',
  parts: MemberParts,
  { misbehaviour, service }: MemberOptions,
): Service => {
  if (service !== undefined) return service(parts)
  return role === 'miner' ? answerChallenges(parts, misbehaviour) : challengeMiners(parts)
}

/** A market with slots every 12 s, in a round of the beacon; the first node made has the beacon as a source. */
export function createSlotMarket({ round = 2 } = {}) {
  const period = 1000
  const genesisMs = Date.now() - (round - 1) * period
  const beacon = devBeacon(new Uint8Array(32).fill(5), period, genesisMs)
  const pulseVerifier = sharedPulseVerifier(beacon)
  const pulseSource = sourceOf(beacon)
  const shared: Shared = { beacon, validators: [], capabilities: [], nodes: [], pulseVerifier }

  async function node(role: 'miner' | 'validator', options: MemberOptions = {}): Promise<Member> {
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'slot-market-')))
    const identity = await loadIdentity(join(folder, 'key'), silent)
    const { privateKey, recordKey: key } = identity
    // The product's scores: those by default shun more than ten nodes on one machine.
    const scoreParams = gossipScores(testNet(), [])
    const libp2p = (await createTestNode({ privateKey, scoreParams })) as unknown as NodeLibp2p
    const store = await openStore(join(folder, 'store'))
    const events = createEvents(Date.now)
    const { peerId } = identity
    const { sampling } = options
    const config = configWith({ network: 'local', ...(sampling === undefined ? {} : { sampling }) })
    const core: Core = {
      config,
      net: testNet(),
      peerId,
      key,
      libp2p,
      store,
      events,
      meters: createMeters(),
      log: silent,
      nowMs: Date.now,
    }
    const life = new AbortController()
    if (role === 'validator' && shared.validators.every((v) => v.peerId !== peerId)) {
      shared.validators.push({ peerId, stake: options.stake ?? 100n })
    }
    const { device = { id: 'cpu-0', vendor: 'cpu', name: 'CPU' } } = options
    const { device: driven, sizes } = options.proof ?? byProcessor
    const announced = { proofN: sizes.n, proofBytes: sizes.bytes }
    const devices = [{ ...device, vramMiB: 0, ...announced }]
    if (role === 'miner') {
      const payload = { ...capabilityOf({ peerId }), devices } as Capability
      shared.capabilities.push({ publicKey: key.publicKey, payload })
    }
    const source = options.pulseSource ?? (shared.nodes.length === 0 ? pulseSource : undefined)
    const honest = await partsOf(core, shared, life.signal, source, driven)
    const { backend, change = (same: MemberParts) => same } = options
    const prover = backend === undefined ? undefined : createInProcessProver(backend)
    const parts = change(prover === undefined ? honest : { ...honest, proverOf: () => prover })
    const seen: NodeEvent[] = []
    events.subscribe((event) => seen.push(event), life.signal)
    const services = [
      relayPulses(parts),
      serveTranscripts(parts),
      collectAttestations(parts),
      hearFrauds(parts),
      weighAccusations(parts),
      checkWitnesses(parts),
      serviceOf(role, parts, options),
    ]
    // Before services start: they would look for unknown addresses in a DHT that knows nobody yet.
    const known = options.knows?.map(({ core: other }) => other.libp2p) ?? shared.nodes
    const others = options.knowsFirstOnly === true ? shared.nodes.slice(0, 1) : known
    for (const other of others) await meet(libp2p, other)
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
  return { beacon, pulseSource, nextSlot, shared, node }
}

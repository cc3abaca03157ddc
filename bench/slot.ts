import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net, { type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { multiaddr } from '@multiformats/multiaddr'
import { type Pulse, timeOf } from '../src/beacon.ts'
import { sleep } from '../src/clock.ts'
import { loadKernels } from '../src/gpu/kernels.ts'
import { createVerifier } from '../src/gpu/verifier.ts'
import { silent } from '../src/log.ts'
import { createAttestations } from '../src/node/attestations.ts'
import { configWith } from '../src/node/config.ts'
import type { Core, NodeLibp2p } from '../src/node/core.ts'
import { createEvents } from '../src/node/events.ts'
import { loadIdentity } from '../src/node/identity.ts'
import { createMeters } from '../src/node/metrics/meters.ts'
import { createPulseBook } from '../src/node/pulse-book.ts'
import { runServices } from '../src/node/service.ts'
import { challengeMiners } from '../src/node/services/challenge-miners.ts'
import { openStore } from '../src/node/store.ts'
import { createTranscriptStore } from '../src/node/transcript-store.ts'
import type { Capability } from '../src/protocols/capability.ts'
import { createPulseVerifier } from '../src/pulse-verifier.ts'
import { MiB, minutesMs } from '../src/units.ts'
import { type Bench, quantile } from './support/bench.ts'
import { answerParent, type Child, startChild } from './support/child.ts'
import { benchNet, startPeer } from './support/peer.ts'
import {
  beaconAt,
  idOf,
  pulsesOf,
  type Sent,
  SIZES,
  SLOT,
  type SlotProver,
  sendAll,
  slots,
  startProver,
} from './support/slot-provers.ts'

const PROVERS = 100
/** From the moment the validator is connected to everyone to the slot: streams are opened, the machine comes to rest. */
const LEAD_MS = 20_000
/** Bytes of one record on a bare socket: those of a signed tick. */
const RECORD_BYTES = 320
/** How often memory is looked at. */
const LOOK_MS = 25

type Ask =
  | { readonly ask: 'prove' }
  | { readonly ask: 'send' | 'send-raw'; readonly genesisMs: number }
interface Proven {
  readonly provers: readonly { readonly addr: string; readonly publicKey: number[] }[]
  readonly rawPort: number
}

if (process.argv[2] === 'slot-child') {
  const provers: SlotProver[] = []
  const sockets: Socket[] = []
  answerParent(async (message: Ask): Promise<Proven | Sent[]> => {
    if (message.ask === 'prove') {
      const [kernels, pulses] = [loadKernels(), pulsesOf(SLOT)]
      for (let i = 0; i < PROVERS; i++) provers.push(await startProver(kernels, pulses))
      const raw = net.createServer({ noDelay: true }, (socket) => sockets.push(socket))
      await once(raw.listen(0, '127.0.0.1'), 'listening')
      const told = provers.map(({ peer, publicKey }) => ({
        addr: String(peer.libp2p.getMultiaddrs()[0]),
        publicKey: [...publicKey],
      }))
      return { provers: told, rawPort: (raw.address() as AddressInfo).port }
    }
    const beacon = beaconAt(message.genesisMs)
    if (message.ask === 'send') {
      const due = provers.flatMap((prover) =>
        prover.seal(beacon).map((one) => ({ ...one, send: prover.send })),
      )
      return sendAll(due)
    }
    // The same at the same times, but numbers in place of signed records.
    let id = 0
    const due = sockets.flatMap((socket) =>
      Array.from({ length: 2 * (slots.residency.maxTicks - 1) }, (_, i) => {
        const record = Buffer.alloc(RECORD_BYTES)
        record.writeUInt32BE(++id, RECORD_BYTES - 4)
        const atMs = timeOf(beacon, SLOT) + (i + 1) * slots.tickMs
        return { atMs, record, send: (bytes: Uint8Array) => void socket.write(bytes) }
      }),
    )
    return sendAll(due)
  })
}

/** A validator as the product runs it, but for discovery and gossip. */
async function startValidator(
  proven: Proven,
  onArrival: (record: Uint8Array, atMs: number) => void,
) {
  const folder = await mkdtemp(join(tmpdir(), 'bench-slot-'))
  const { privateKey, recordKey: key, peerId } = await loadIdentity(join(folder, 'key'), silent)
  const peer = await startPeer(privateKey)
  for (const { addr } of proven.provers) await peer.libp2p.dial(multiaddr(addr))
  // Round 1 is at the beacon's genesis: so far from now that the slot is LEAD_MS away.
  const genesisMs = Date.now() + LEAD_MS - (SLOT - 1) * 1000
  const store = await openStore(join(folder, 'store'))
  const events = createEvents(Date.now)
  const gossip = { publish: async () => ({ recipients: [] }) }
  const libp2p = { services: { gossip } } as unknown as NodeLibp2p
  const config = configWith({ network: 'local' })
  const meters = createMeters()
  const common = {
    config,
    key,
    peerId,
    libp2p,
    store,
    events,
    meters,
    log: silent,
    nowMs: Date.now,
  }
  const core: Core = { ...common, net: benchNet }
  const beacon = beaconAt(genesisMs)
  const [pulseVerifier, verifier] = [createPulseVerifier(beacon, silent), createVerifier(silent)]
  const bookOptions = { beacon, slots, verifier: pulseVerifier, nowMs: Date.now, log: silent }
  const pulses = createPulseBook(bookOptions)
  const validators = { validators: () => [{ peerId, stake: 1n }] }
  const devices = [
    {
      id: 'cpu-0',
      vendor: 'cpu',
      name: 'CPU',
      vramMiB: 0,
      proofN: SIZES.n,
      proofBytes: SIZES.bytes,
    },
  ]
  const miners = proven.provers.map(({ addr, publicKey }) => ({
    publicKey: Uint8Array.from(publicKey),
    payload: { peerId: addr.split('/').at(-1)!, devices } as unknown as Capability,
  }))
  const running = await runServices([
    challengeMiners({
      core,
      rpc: peer.rpc,
      pulses,
      validators,
      transcripts: createTranscriptStore(store, Date.now),
      attestations: await createAttestations(core, { beacon, slots, validators }),
      frauds: { publish: async () => 'accept' },
      capabilities: { all: () => miners },
      verifier,
      onArrival: (_miner, record, atMs) => onArrival(record, atMs),
    }),
  ])
  return {
    genesisMs,
    beacon,
    events,
    pulses,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      for (const one of [pulseVerifier, verifier, peer, store]) await one[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

/** Gives a node every pulse of the slot at its time. */
async function feed(
  book: { offer(round: number, signature: Uint8Array): Promise<unknown> },
  beacon: ReturnType<typeof beaconAt>,
): Promise<void> {
  const pulses: Pulse[] = Object.values(pulsesOf(SLOT))
  for (const { round, signature } of pulses.toSorted((a, b) => a.round - b.round)) {
    await sleep(Math.max(0, timeOf(beacon, round) - Date.now()))
    await book.offer(round, signature)
  }
}

const residentMiB = (): number => process.memoryUsage().rss / MiB

/** From when each record left to when it counted as arrived, ms; all of them must have come. */
function delaysOf(sent: readonly Sent[], arrivals: ReadonlyMap<string, number>): number[] {
  return sent.map(({ id, atMs }) => {
    const arrivedMs = arrivals.get(id)
    if (arrivedMs === undefined) throw new Error('a record did not arrive')
    return arrivedMs - atMs
  })
}

/** One slot of the validator: what it took, and the child's word on when each record left. */
async function measureSlot(child: Child, proven: Proven) {
  const arrivals = new Map<string, number>()
  const onArrival = (record: Uint8Array, atMs: number) => void arrivals.set(idOf(record), atMs)
  await using validator = await startValidator(proven, onArrival)
  const { genesisMs, beacon } = validator
  const life = new AbortController()
  const verdicts: string[] = []
  const over = Promise.withResolvers<number>()
  validator.events.subscribe(({ event, verdict }) => {
    if (event !== 'slot-verdict') return
    verdicts.push(String(verdict))
    if (verdicts.length === PROVERS) over.resolve(Date.now())
  }, life.signal)
  const sending = child.ask<Sent[]>({ ask: 'send', genesisMs })
  const feeding = feed(validator.pulses, beacon)
  await sleep(timeOf(beacon, SLOT) - 500 - Date.now())
  globalThis.gc?.()
  const idleMiB = residentMiB()
  let mostMiB = idleMiB
  const openMs = timeOf(beacon, SLOT + slots.open)
  const blocked = monitorEventLoopDelay({ resolution: 1 })
  blocked.enable()
  const windowsOver = setTimeout(() => blocked.disable(), openMs - Date.now())
  const looking = setInterval(() => {
    mostMiB = Math.max(mostMiB, residentMiB())
  }, LOOK_MS)
  const late = setTimeout(
    () => over.reject(new Error(`only ${verdicts.length} verdicts`)),
    minutesMs(1),
  )
  try {
    const [overMs, sent] = await Promise.all([over.promise, sending, feeding])
    return {
      idleMiB,
      growthMiB: mostMiB - idleMiB,
      // Nothing depends on when openings came, so they are told apart.
      delaysMs: delaysOf(
        sent.filter(({ atMs }) => atMs < openMs),
        arrivals,
      ),
      openingsMs: delaysOf(
        sent.filter(({ atMs }) => atMs >= openMs),
        arrivals,
      ),
      longestBlockMs: blocked.max / 1e6,
      valid: verdicts.filter((verdict) => verdict === 'VALID').length,
      lastVerdictMs: overMs - openMs,
    }
  } finally {
    life.abort()
    clearInterval(looking)
    clearTimeout(late)
    clearTimeout(windowsOver)
    blocked.disable()
  }
}

/** As many bare sockets, as many records of the same size at the same times, stamped as they are read. */
async function measureRaw(child: Child, port: number): Promise<number[]> {
  const arrivals = new Map<string, number>()
  const sockets = await Promise.all(
    Array.from({ length: PROVERS }, async () => {
      const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
      await once(socket, 'connect')
      let received = Buffer.alloc(0)
      socket.on('data', (data) => {
        const atMs = Date.now()
        received = Buffer.concat([received, data])
        for (; received.length >= RECORD_BYTES; received = received.subarray(RECORD_BYTES)) {
          arrivals.set(idOf(received.subarray(0, RECORD_BYTES)), atMs)
        }
      })
      return socket
    }),
  )
  const genesisMs = Date.now() + 2000 - (SLOT - 1) * 1000
  const sent = await child.ask<Sent[]>({ ask: 'send-raw', genesisMs })
  await sleep(500)
  for (const socket of sockets) socket.destroy()
  return delaysOf(sent, arrivals)
}

export const bench: Bench = {
  name: 'slot',
  measures: `one slot of a validator with ${PROVERS} provers in another process: ticks, Finals and proofs over libp2p, beside bare TCP`,
  targets: {
    growthMiB: { atMost: 300 },
    stampP99Ms: { atMost: 50 },
    validVerdicts: { atLeast: PROVERS },
  },
  async run(progress) {
    await using child = startChild(import.meta.filename, ['slot-child'])
    progress(`making ${PROVERS} proofs`)
    const proven = await child.ask<Proven>({ ask: 'prove' })
    progress('one slot')
    const slot = await measureSlot(child, proven)
    progress('the same over bare sockets')
    const raw = await measureRaw(child, proven.rawPort)
    return {
      figures: {
        growthMiB: slot.growthMiB,
        stampP50Ms: quantile(slot.delaysMs, 0.5),
        stampP99Ms: quantile(slot.delaysMs, 0.99),
        stampMostMs: Math.max(...slot.delaysMs),
        openingsP99Ms: quantile(slot.openingsMs, 0.99),
        longestBlockMs: slot.longestBlockMs,
        validVerdicts: slot.valid,
        lastVerdictMs: slot.lastVerdictMs,
        idleMiB: slot.idleMiB,
      },
      yardstick: {
        rawTcpP50Ms: quantile(raw, 0.5),
        rawTcpP99Ms: quantile(raw, 0.99),
      },
    }
  },
}

/** Provers that did no work: one slot's ticks, Finals and openings, consistent and signed, sent when they are due. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BeaconInfo, devBeacon, timeOf } from '../../src/beacon.ts'
import { sleep } from '../../src/clock.ts'
import type { Kernels } from '../../src/gpu/kernels.ts'
import {
  type Announcement,
  type Final,
  type SlotPulses,
  slotStatements,
  type Tick,
} from '../../src/gpu/slot.ts'
import { type PerWork, slotNetworks, type Work, works } from '../../src/gpu/slot-network.ts'
import { fillRoundOf, windowOf } from '../../src/gpu/slot-schedule.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'
import { encodeTranscript, transcriptId } from '../../src/gpu/transcript.ts'
import { silent } from '../../src/log.ts'
import { createBroadcast } from '../../src/node/broadcast.ts'
import { loadIdentity } from '../../src/node/identity.ts'
import { type SlotOpenings, transcriptOf } from '../../src/node/make-transcript.ts'
import {
  type ChallengeItem,
  challenge,
  sealFinal,
  sealOpenings,
  sealTick,
} from '../../src/protocols/challenge.ts'
import type { RecordKey } from '../../src/protocols/seal.ts'
import { CHUNK_BYTES, transcript } from '../../src/protocols/transcript.ts'
import { tellTicks } from '../../src/told-ticks.ts'
import { secondsMs } from '../../src/units.ts'
import { type BenchPeer, benchNet, startPeer } from './peer.ts'
import { syntheticGemm, syntheticPasses } from './synthetic-proof.ts'

export const slots = slotNetworks.local
export const SIZES = { n: 256, bytes: 2 ** 20 }
/** What each claims to have done in its windows. */
const COUNTS: PerWork<number> = { residency: 48, gemm: 48 }
/** The slot that is proven: its number fixes every seed, whenever its time comes. */
export const SLOT = 24
/** Ticks that arrive inside a window. */
const TICKS = 9

/** The beacon whose round 1 is at a time; its pulses are the same at any. */
export const beaconAt = (genesisMs: number) =>
  devBeacon(new Uint8Array(32).fill(5), secondsMs(1), genesisMs)

/** The pulses behind a slot. */
export function pulsesOf(slot: number): SlotPulses {
  const { sign } = beaconAt(0)
  return {
    fill: sign(fillRoundOf(slots, slot)!),
    start: sign(slot + slots.starts.residency),
    gemm: sign(slot + slots.starts.gemm),
    open: sign(slot + slots.open),
  }
}

interface Proof {
  readonly openings: SlotOpenings
  readonly ticks: PerWork<readonly Tick[]>
}

/** A proof of one slot with the ticks that lead to it. */
function prove(kernels: Kernels, gpu: Announcement, pulses: SlotPulses): Proof {
  const { gpuId } = gpu
  const none = {
    slot: SLOT,
    gpu: gpuId,
    k: TICKS,
    head: new Uint8Array(32),
    ticks: new Uint8Array(),
  }
  const { residency, gemm } = slotStatements(gpu, pulses, {
    residency: { ...none, work: 'residency', count: COUNTS.residency },
    gemm: { ...none, work: 'gemm', count: COUNTS.gemm },
  })
  const passes = { bytes: gpu.bytes, passes: COUNTS.residency }
  const steps = { n: gpu.n, steps: COUNTS.gemm }
  const pages = syntheticPasses(kernels, passes, slots.residency, residency).openings
  const rows = syntheticGemm(kernels, steps, slots.gemm, gemm).openings
  const countsOf = (work: Work): number[] =>
    Array.from({ length: TICKS }, (_, i) => Math.ceil((COUNTS[work] * (i + 1)) / TICKS))
  const ticksOf = (work: Work, seed: Uint8Array, roots: Uint8Array): Tick[] => {
    const heads = tickChain(seed, countsOf(work), roots)
    return countsOf(work).map((count, i) => {
      return { slot: SLOT, gpu: gpuId, work, k: i + 1, count, head: heads[i + 1]! }
    })
  }
  return {
    openings: {
      residency: { ...pages, counts: countsOf('residency') },
      gemm: { ...rows, counts: countsOf('gemm') },
    },
    ticks: {
      residency: ticksOf('residency', residency.passSeed, pages.roots),
      gemm: ticksOf('gemm', gemm.seed, rows.roots),
    },
  }
}

/** A record, and when it left this machine's hands. */
export interface Sent {
  /** Hex of the record's end: its signature. */
  readonly id: string
  readonly atMs: number
}

/** What tells one record from all others. */
export const idOf = (record: Uint8Array): string =>
  Buffer.from(record.subarray(-32)).toString('hex')

export interface SlotProver extends AsyncDisposable {
  readonly peer: BenchPeer
  readonly publicKey: Uint8Array
  /** Signs everything for the slot at its time; returns each record with the time it is due, unix ms. */
  seal(beacon: BeaconInfo): readonly { readonly atMs: number; readonly record: Uint8Array }[]
  send(record: Uint8Array): void
}

/** A node of one prover, which holds a finished proof. */
export async function startProver(kernels: Kernels, pulses: SlotPulses): Promise<SlotProver> {
  const { privateKey, key } = await freshKey()
  const peer = await startPeer(privateKey)
  const life = new AbortController()
  const peerId = peer.libp2p.peerId.toString()
  const { genesis, netuid } = benchNet
  const { publicKey: hotkey } = key
  const gpu: Announcement = { genesis, netuid, hotkey, peerId, gpuId: 'cpu-0', ...SIZES }
  const proof = prove(kernels, gpu, pulses)
  const alive = { kind: 'alive' }
  const broadcast = createBroadcast<ChallengeItem>({ aliveMs: secondsMs(15), alive })
  let content = new Uint8Array()
  const first = [{ kind: 'ready' }]
  await peer.rpc.serveStream(
    challenge,
    (_, { signal }) => broadcast.follow(signal, first),
    life.signal,
  )
  const chunk = ({ offset }: { offset: number }) => ({
    total: content.length,
    chunk: content.subarray(offset, offset + CHUNK_BYTES),
  })
  await peer.rpc.serve(transcript, async (request) => chunk(request), life.signal)
  return {
    peer,
    publicKey: key.publicKey,
    seal(beacon) {
      const finals = {
        residency: closeOf(proof.ticks.residency),
        gemm: closeOf(proof.ticks.gemm),
      }
      const { openings } = proof
      const told = transcriptOf({ net: benchNet, key, peerId }, beacon, gpu, {
        ...{ slot: SLOT, pulses, finals, openings },
      })
      content = Uint8Array.from(encodeTranscript(told))
      const offered = { slot: SLOT, gpu: gpu.gpuId, content: transcriptId(content) }
      const bytes = { bytes: content.length, proveMs: 1 }
      return [
        ...works.flatMap((work) => dueOf(key, beacon, work, proof.ticks[work])),
        {
          atMs: timeOf(beacon, SLOT + slots.open) + 200,
          record: sealOpenings(benchNet, key, { ...offered, ...bytes }).bytes,
        },
      ]
    },
    send: (record) => broadcast.send({ kind: 'record', record }),
    async [Symbol.asyncDispose]() {
      life.abort()
      await peer[Symbol.asyncDispose]()
    },
  }
}

/** The close after some ticks. */
const closeOf = (ticks: readonly Tick[]): Final => ({ ...ticks.at(-1)!, ticks: tellTicks(ticks) })

/** The ticks and the Final of one kind of work, each when it is due. */
function dueOf(key: RecordKey, beacon: BeaconInfo, work: Work, ticks: readonly Tick[]) {
  const { fromMs, untilMs } = windowOf(slots, beacon, SLOT, work)
  const final = { atMs: untilMs, record: sealFinal(benchNet, key, { ...closeOf(ticks) }).bytes }
  const due = ticks.map((tick) => ({
    atMs: fromMs + tick.k * slots.tickMs,
    record: sealTick(benchNet, key, { ...tick }).bytes,
  }))
  return [...due, final]
}

async function freshKey() {
  const folder = await mkdtemp(join(tmpdir(), 'bench-slot-'))
  try {
    const { privateKey, recordKey } = await loadIdentity(join(folder, 'key'), silent)
    return { privateKey, key: recordKey }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Sends everything when it is due, one record after the other, and tells when each left. */
export async function sendAll(
  due: readonly {
    readonly atMs: number
    readonly record: Uint8Array
    send(record: Uint8Array): void
  }[],
): Promise<Sent[]> {
  const sent: Sent[] = []
  for (const { atMs, record, send } of due.toSorted((a, b) => a.atMs - b.atMs)) {
    if (Date.now() < atMs) await sleep(atMs - Date.now())
    sent.push({ id: idOf(record), atMs: Date.now() })
    send(record)
    await new Promise(setImmediate) // it is in the socket before the next is begun
  }
  return sent
}

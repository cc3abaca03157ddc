import type { Pulse } from '../beacon.ts'
import { type GemmStatement, MAX_STEPS, provableN } from './gemm-proof.ts'
import type { Bytes } from './hash.ts'
import type { HopStatement } from './locality-proof.ts'
import type { ProofMode } from './proof-mode.ts'
import { type PassStatement, provableBytes } from './residency-proof.ts'
import { deriveSeed, type GpuIdentity } from './seeds.ts'
import type { AnyWork, PerAnyWork, PerWork, SlotNetwork } from './slot-network.ts'

/** A GPU as announced before the slot's pulse. */
export interface Announcement extends GpuIdentity {
  /** Size of its matrices. */
  readonly n: number
  /** Size of its resident fill, V. */
  readonly bytes: number
  /** How it takes part in the slot; idle where absent. One that is exclusive shows nothing, whatever its sizes. */
  readonly mode?: ProofMode
}

/** What a prover claims by a moment: `head` binds every root so far. The signer is the GPU's PeerId. */
export interface Tick {
  readonly slot: number
  readonly gpu: string
  readonly work: AnyWork
  /** Number of the tick, from 1; a Final repeats the number of the last. */
  readonly k: number
  /** Steps, passes or checkpoints done in all. */
  readonly count: number
  /** 32 B. */
  readonly head: Bytes
}

/** The close of one kind of work. */
export interface Final extends Tick {
  /** What each of its ticks said, from the first to this one (told-ticks.ts). */
  readonly ticks: Bytes
}

/** The heads of both closes that a GPU must send; what they bind shows whether anything said of it is true. */
export type Heads = PerWork<Bytes>

/** One GPU's line of a report: what arrived inside the windows, 0 for silence. */
export interface Line {
  readonly miner: string
  readonly hotkey: Bytes
  readonly gpu: string
  readonly mode: ProofMode
  readonly n: number
  readonly bytes: number
  readonly passes: number
  readonly steps: number
  /** Of the locality chain; nothing rests on it. */
  readonly checkpoints: number
  /** Of the closes that came in time; absent where one is missing, or the GPU told two tales. */
  readonly heads?: Heads
}

/**
 * The pulses behind the seeds of one slot: of the epoch's fill, of each work's start, and of what is opened. Without
 * that of the locality chain, `hops`, the others still prove what they do.
 */
export interface SlotPulses {
  readonly fill: Pulse
  readonly start: Pulse
  readonly gemm: Pulse
  readonly hops?: Pulse
  readonly open: Pulse
}

/** What is to be proven of each kind of work. */
export interface SlotStatements {
  readonly residency: PassStatement
  readonly gemm: GemmStatement
  readonly locality?: HopStatement
}

/** Names a GPU among all: one PeerId's ids are its own. */
export const gpuKey = (miner: string, gpu: string): string => `${miner}/${gpu}`

/** Whether a network lets a GPU of these sizes prove. */
export const isProvable = (
  net: SlotNetwork,
  { n, bytes }: Pick<Announcement, 'n' | 'bytes'>,
): boolean => provableN(n, net.gemm) && provableBytes(bytes, net.residency)

/** The most passes, steps or checkpoints that count in one window. */
export const maxCount = (net: SlotNetwork, work: AnyWork): number =>
  ({
    residency: net.residency.maxPasses,
    gemm: MAX_STEPS,
    locality: net.locality.maxCheckpoints,
  })[work]

/** The seed of the fill that stays for an epoch, from the epoch's fill pulse. */
export const fillSeed = (gpu: Announcement, fill: Pulse): Bytes =>
  deriveSeed('fill', gpu, gpu.bytes, fill.round, fill.randomness)

const phases = { residency: 'pass', gemm: 'gemm', locality: 'hops' } as const

/** The seed of one kind of work, from the pulse that starts it. */
export const workSeed = (work: AnyWork, gpu: Announcement, { round, randomness }: Pulse): Bytes =>
  deriveSeed(phases[work], gpu, work === 'gemm' ? gpu.n : gpu.bytes, round, randomness)

/** What is to be proven of passes over the fill, from slot, announcement, pulses and the signed close alone. */
export const passStatement = (
  gpu: Announcement,
  { fill, start, open }: Pick<SlotPulses, 'fill' | 'start' | 'open'>,
  final: Tick,
): PassStatement => ({
  fillSeed: fillSeed(gpu, fill),
  passSeed: workSeed('residency', gpu, start),
  openSeed: deriveSeed('open-pages', gpu, gpu.bytes, open.round, open.randomness),
  bytes: gpu.bytes,
  passes: final.count,
  ticks: final.k,
  closing: final.head,
})

/** What is to be proven of the matrix chain, from slot, announcement, pulses and the signed close alone. */
export const gemmStatement = (
  gpu: Announcement,
  { gemm, open }: Pick<SlotPulses, 'gemm' | 'open'>,
  final: Tick,
): GemmStatement => ({
  seed: workSeed('gemm', gpu, gemm),
  openSeed: deriveSeed('open-rows', gpu, gpu.n, open.round, open.randomness),
  n: gpu.n,
  steps: final.count,
  ticks: final.k,
  closing: final.head,
})

/** What is to be proven of the locality chain, from slot, announcement, pulses and the signed close alone. */
export const hopStatement = (
  gpu: Announcement,
  { fill, hops, open }: Pick<SlotPulses, 'fill' | 'open'> & { readonly hops: Pulse },
  final: Tick,
): HopStatement => ({
  fillSeed: fillSeed(gpu, fill),
  hopSeed: workSeed('locality', gpu, hops),
  openSeed: deriveSeed('open-hops', gpu, gpu.bytes, open.round, open.randomness),
  bytes: gpu.bytes,
  checkpoints: final.count,
  ticks: final.k,
  closing: final.head,
})

/** All statements of a slot, derived alike by prover, verifier and anyone later; of a locality chain if there is one. */
export function slotStatements(
  gpu: Announcement,
  pulses: SlotPulses,
  finals: PerAnyWork<Final>,
): SlotStatements {
  const { hops } = pulses
  const { locality } = finals
  const hasHops = hops !== undefined && locality !== undefined
  return {
    residency: passStatement(gpu, pulses, finals.residency),
    gemm: gemmStatement(gpu, pulses, finals.gemm),
    ...(hasHops ? { locality: hopStatement(gpu, { ...pulses, hops }, locality) } : {}),
  }
}

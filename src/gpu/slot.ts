import type { Pulse } from '../beacon.ts'
import type { GemmStatement } from './gemm-proof.ts'
import type { Bytes } from './hash.ts'
import { deriveSeed, type GpuIdentity } from './seeds.ts'
import type { Work } from './slot-network.ts'

/** A GPU as announced before the slot's pulse. */
export interface Announcement extends GpuIdentity {
  /** Size of its matrices. */
  readonly n: number
}

/** What a prover claims by a moment: `head` binds every root so far. The signer is the GPU's PeerId. */
export interface Tick {
  readonly slot: number
  readonly gpu: string
  readonly work: Work
  /** Number of the tick, from 1; a Final repeats the number of the last. */
  readonly k: number
  /** Steps or passes done in all. */
  readonly count: number
  /** 32 B. */
  readonly head: Bytes
}

/** One GPU's line of a report: what arrived inside the windows, 0 for silence. */
export interface Line {
  readonly miner: string
  readonly hotkey: Bytes
  readonly gpu: string
  readonly n: number
  readonly passes: number
  readonly steps: number
}

/** Names a GPU among all: one PeerId's ids are its own. */
export const gpuKey = (miner: string, gpu: string): string => `${miner}/${gpu}`

/** The seed of the GEMM phase, from the pulse that starts it. */
export const gemmSeed = (gpu: Announcement, pulse: Pulse): Bytes =>
  deriveSeed('gemm', gpu, gpu.n, pulse.round, pulse.randomness)

/** What is to be proven, derived alike by prover, verifier and anyone later: only slot, announcement, pulses and Final enter. */
export function gemmStatement(
  gpu: Announcement,
  start: Pulse,
  open: Pulse,
  final: Tick,
): GemmStatement {
  return {
    seed: gemmSeed(gpu, start),
    openSeed: deriveSeed('open-rows', gpu, gpu.n, open.round, open.randomness),
    n: gpu.n,
    steps: final.count,
    ticks: final.k,
    closing: final.head,
  }
}

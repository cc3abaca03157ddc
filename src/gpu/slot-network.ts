import { MiB } from '../units.ts'
import type { ProofSizes } from './backend.ts'
import type { GemmLimits } from './gemm-proof.ts'
import type { HopLimits } from './locality-proof.ts'
import type { PassLimits } from './residency-proof.ts'

/** The kinds of work that a GPU must do in a slot, each in a window of its own, in this order. */
export const works = ['residency', 'gemm'] as const
export type Work = (typeof works)[number]
/** One value per kind of work. */
export type PerWork<T> = Readonly<Record<Work, T>>

/**
 * All that a slot has windows for, in order. The locality chain comes last: it is measured and told, and nothing rests on
 * it yet (gpu-protocol §12).
 */
export const allWorks = [...works, 'locality'] as const
export type AnyWork = (typeof allWorks)[number]
/** One value per kind of work; of what nothing rests on it may be missing. */
export type PerAnyWork<T> = PerWork<T> & { readonly locality?: T }

/**
 * For how long one fill stays: the pulse of round `offset + k·rounds` seeds the fill of the `rounds` rounds from there
 * on, and in the first `fillRounds` of them no slot starts, so that a GPU can fill (gpu-protocol §14).
 */
export interface FillEpoch {
  readonly rounds: number
  readonly offset: number
  readonly fillRounds: number
}

/** How a GPU proves beside a tenant: smaller than when it is idle, for a shorter time, and not all of that. */
export interface LeasedProofs {
  /** Matrices are no larger. */
  readonly n: number
  /** The fill: a share of the idle one, but no less than the first of these (or the idle one) and no more than the second. */
  readonly fillShare: number
  readonly fillBytes: readonly [least: number, most: number]
  readonly windowMs: PerWork<number>
  readonly tickMs: PerWork<number>
  /** Share of a window in which it works; it rests after each step in proportion. */
  readonly duty: PerWork<number>
}

/** Every number that prover and verifier of one network must share about slots. Offsets count rounds from the slot's own. */
export interface SlotNetwork {
  /** What a slot measures, in order; a GPU must do all of it. */
  readonly phases: readonly Work[]
  readonly epoch: FillEpoch
  /** A round of the network's beacon, ms. */
  readonly roundMs: number
  /** Only rounds divisible by this may start a slot. */
  readonly stride: number
  /** A pulse starts a slot with probability 1/denominator. */
  readonly denominator: number
  /** Rounds between two slots, at least. */
  readonly spacing: number
  /** Offset of the pulse that starts each kind of work. */
  readonly starts: Readonly<Record<AnyWork, number>>
  readonly windowMs: Readonly<Record<AnyWork, number>>
  readonly tickMs: number
  /**
   * A miner that a validator knew of for less than this before a slot, and whose stream does not stand yet, is left out
   * of it: silence would be no fault of the miner's.
   */
  readonly leadMs: number
  /** Until this offset a Final may arrive: it fixes count and roots for all validators. */
  readonly close: number
  /** Offset of the pulse that picks what is opened. */
  readonly open: number
  /** Until this offset report commits count. */
  readonly commit: number
  /** From this offset reports are published. */
  readonly reveal: number
  /** Until this offset openings count; what is missing then is UNAVAILABLE. */
  readonly end: number
  /** A pulse arriving earlier than its time by more than this shows a wrong clock: abstain. */
  readonly maxSkewMs: number
  /** An event loop late by more than this inside a window stamps ticks wrongly: abstain. */
  readonly maxLagMs: number
  readonly residency: PassLimits
  readonly gemm: GemmLimits
  readonly locality: HopLimits
  /** The sizes of a class `cpu` device that announces none. */
  readonly cpuSizes: ProofSizes
  /** Whether class `cpu` proves and is scored. */
  readonly cpuProves: boolean
  /** What a leased GPU proves with at most; it holds that from the lease's start on (gpu-protocol §9). */
  readonly leased: LeasedProofs
  /** A change of a device's mode counts for slots this much after it was announced: until then every validator knows. */
  readonly noticeMs: number
  /**
   * A device that was not announced before counts for slots this much after it was: validators must find its record, and
   * one that only half of them know of is seen by nobody.
   */
  readonly entryMs: number
}

/**
 * finney and test: drand rounds of 3 s, a slot every 45 min on average, at least 3 min apart, a new fill every 6 h
 * (gpu-protocol §3, §14). 180 s are enough to fill 1 TiB at the 6 GB/s of a slow kernel.
 */
const real: SlotNetwork = {
  phases: works,
  epoch: { rounds: 7200, offset: 0, fillRounds: 60 },
  roundMs: 3000,
  stride: 1,
  denominator: 900,
  spacing: 60,
  starts: { residency: 0, gemm: 2, locality: 3 },
  windowMs: { residency: 6000, gemm: 3000, locality: 2000 },
  tickMs: 250,
  leadMs: 120_000,
  close: 4,
  open: 5,
  commit: 10,
  reveal: 20,
  end: 45,
  maxSkewMs: 500,
  maxLagMs: 250,
  residency: {
    maxBytes: 2 ** 40,
    maxPasses: 1024,
    maxTicks: 25,
    passSamples: 64,
    pageSamples: 4,
    iterations: 128,
  },
  gemm: { minN: 2048, maxN: 32768, maxTicks: 13, rowSamples: 256 },
  // 4096 checkpoints of 4096 hops are 119 ns a hop: no GPU's memory is as near.
  locality: { maxBytes: 2 ** 40, maxCheckpoints: 4096, maxTicks: 9, hops: 4096, iterations: 128 },
  cpuSizes: { n: 2048, bytes: 1024 * MiB },
  cpuProves: false,
  // A fill of a thirty-second of a card (1 GiB of 24, 2.25 of 80) is passed over at most 1024 times in half a second: no
  // faster than the card is, so that what it shows is its own bandwidth. In six seconds the passes would run out, and all
  // cards would look alike. n rises with the class up to what 512 steps of an H100 need (gpu-protocol §14): 0.75 GiB of matrices there, 0.2 GiB
  // where n is 8192. Together 0.17 % of a GPU's time (proofSharePpm), the second run for the openings included.
  leased: {
    n: 16384,
    fillShare: 1 / 32,
    fillBytes: [1024 * MiB, 4096 * MiB],
    windowMs: { residency: 500, gemm: 3000 },
    tickMs: { residency: 50, gemm: 250 },
    duty: { residency: 1, gemm: 0.75 },
  },
  noticeMs: 30_000,
  entryMs: 120_000,
}

/**
 * A market on one machine: rounds and windows of 1 s, a slot every 12th round, each with a fill of its own, seeded one
 * round before it. Small sizes keep two miners and two validators on two cores in time; a busy machine lags, which says
 * nothing about anyone's honesty, so lag is forgiven.
 */
const local: SlotNetwork = {
  phases: works,
  epoch: { rounds: 12, offset: 11, fillRounds: 1 },
  roundMs: 1000,
  stride: 12,
  denominator: 1,
  spacing: 12,
  starts: { residency: 0, gemm: 1, locality: 2 },
  windowMs: { residency: 1000, gemm: 1000, locality: 500 },
  tickMs: 100,
  leadMs: 10_000,
  close: 3,
  open: 4,
  commit: 8,
  reveal: 9,
  end: 11,
  maxSkewMs: 500,
  maxLagMs: 5000,
  // A proof of fraud shows the root of every pass, 32 B each, and has 60 KiB for them: beyond that nobody could be convicted.
  residency: {
    maxBytes: 64 * MiB,
    maxPasses: 1920,
    maxTicks: 11,
    passSamples: 16,
    pageSamples: 4,
    iterations: 16,
  },
  gemm: { minN: 256, maxN: 1024, maxTicks: 11, rowSamples: 256 },
  // A processor's cache is ten times as near as a GPU's memory, so checkpoints lie further apart.
  locality: { maxBytes: 64 * MiB, maxCheckpoints: 4096, maxTicks: 6, hops: 16_384, iterations: 16 },
  cpuSizes: { n: 512, bytes: 8 * MiB },
  cpuProves: true,
  leased: {
    n: 256,
    fillShare: 1 / 8,
    fillBytes: [MiB, MiB],
    windowMs: { residency: 1000, gemm: 1000 },
    tickMs: { residency: 100, gemm: 100 },
    duty: { residency: 0.75, gemm: 0.75 },
  },
  noticeMs: 5000,
  entryMs: 5000,
}

/** The parameter table of each network. */
export const slotNetworks: Readonly<Record<'finney' | 'test' | 'local', SlotNetwork>> = {
  finney: real,
  test: real,
  local,
}

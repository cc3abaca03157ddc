import type { GemmLimits } from './gemm-proof.ts'

/** A kind of work that a slot measures in a window of its own. */
export type Work = 'residency' | 'gemm'

/** Every number that prover and verifier of one network must share about slots. Offsets count rounds from the slot's own. */
export interface SlotNetwork {
  /** What a slot measures, in order. A phase that is not listed reports 0. */
  readonly phases: readonly Work[]
  /** Only rounds divisible by this may start a slot. */
  readonly stride: number
  /** A pulse starts a slot with probability 1/denominator. */
  readonly denominator: number
  /** Rounds between two slots, at least. */
  readonly spacing: number
  /** Offset of the pulse that starts each phase. */
  readonly starts: Readonly<Record<Work, number>>
  readonly windowMs: Readonly<Record<Work, number>>
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
  readonly gemm: GemmLimits
  /** The n a miner announces for a class `cpu` device. */
  readonly cpuN: number
  /** Whether class `cpu` proves and is scored. */
  readonly cpuProves: boolean
}

/** finney and test: drand rounds of 3 s, a slot every 45 min on average, at least 3 min apart (gpu-protocol §3, §14). */
const real: SlotNetwork = {
  phases: ['gemm'],
  stride: 1,
  denominator: 900,
  spacing: 60,
  starts: { residency: 0, gemm: 2 },
  windowMs: { residency: 6000, gemm: 3000 },
  tickMs: 250,
  leadMs: 120_000,
  close: 4,
  open: 5,
  commit: 10,
  reveal: 20,
  end: 45,
  maxSkewMs: 500,
  maxLagMs: 250,
  gemm: { minN: 2048, maxN: 32768, maxTicks: 13, rowSamples: 256 },
  cpuN: 2048,
  cpuProves: false,
}

/**
 * A market on one machine: rounds and windows of 1 s, a slot every 12th round. Small n keeps two miners and two
 * validators on two cores in time; a busy machine lags, which says nothing about anyone's honesty, so lag is forgiven.
 */
const local: SlotNetwork = {
  phases: ['gemm'],
  stride: 12,
  denominator: 1,
  spacing: 12,
  starts: { residency: 0, gemm: 1 },
  windowMs: { residency: 1000, gemm: 1000 },
  tickMs: 100,
  leadMs: 10_000,
  close: 3,
  open: 4,
  commit: 8,
  reveal: 9,
  end: 11,
  maxSkewMs: 500,
  maxLagMs: 5000,
  gemm: { minN: 256, maxN: 1024, maxTicks: 11, rowSamples: 256 },
  cpuN: 512,
  cpuProves: true,
}

/** The parameter table of each network. */
export const slotNetworks: Readonly<Record<'finney' | 'test' | 'local', SlotNetwork>> = {
  finney: real,
  test: real,
  local,
}

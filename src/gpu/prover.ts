import { NodeError } from '../errors.ts'
import type { BackendName, OpenedDevice, ProofSizes } from './backend.ts'
import type { GemmLimits, GemmOpenings, GemmStatement } from './gemm-proof.ts'
import type { Bytes } from './hash.ts'
import type { HopLimits, HopOpenings, HopStatement } from './locality-proof.ts'
import type { PassLimits, PassOpenings, PassStatement } from './residency-proof.ts'
import type { Work } from './slot-network.ts'

/** One device's side of slots, as a service sees it. Never blocks the event loop; runs one job at a time, in order. */
export interface Prover extends AsyncDisposable {
  /** What it proves with, as shown to people. */
  readonly backend: BackendName
  /** What its process opened last; undefined before the first call, and where there is no process. */
  readonly opened?: OpenedDevice | undefined
  /** Loads and warms up everything, so that the first window loses nothing; GPU_PROVER_* when it cannot. */
  prepare(sizes: ProofSizes): Promise<void>
  /** Fills the resident buffer for an epoch; the same seed again costs nothing. */
  fill(job: FillJob, timeoutMs: number): Promise<void>
  /**
   * Works until `stop`, handing over each root as it is done, and of the locality chain the state (16 B) at each
   * checkpoint; GPU_PROVER_CRASHED when it breaks.
   */
  run(job: WorkJob, onRoot: (root: Bytes) => void): Promise<void>
  /** Ends `run`; without one it does nothing. */
  stop(): void
  /** Gives the device back, with its memory; what is under way fails. The next call takes it again, with sizes and fill. */
  release(): Promise<void>
  /** Runs the chain again and copies out what is asked; GPU_PROVER_TIMEOUT after `timeoutMs`. */
  openRows(job: OpenRowsJob, timeoutMs: number): Promise<GemmOpenings>
  /** Runs the opened passes again over the fill that is still there. */
  openPages(job: OpenPagesJob, timeoutMs: number): Promise<PassOpenings>
  /** Picks opened segments out of the states that `run` handed over; needs no device. */
  openHops(job: OpenHopsJob, timeoutMs: number): Promise<HopOpenings>
}

/** Whether a call failed because the device has too little memory for it: smaller sizes may fit. */
export const isOutOfMemory = (error: unknown): boolean =>
  error instanceof NodeError &&
  [error.code, error.details['reason']].some((code) => OUT_OF_MEMORY.has(String(code)))

/** What the backends call it. */
const OUT_OF_MEMORY: ReadonlySet<string> = new Set(['GPU_OUT_OF_MEMORY', 'GPU_MEMORY'])

export interface FillJob {
  readonly seed: Bytes
  readonly iterations: number
}

/**
 * Passes over the fill under the keys that start at `seed`, steps of the chain of `seed`, or its locality chain with a
 * checkpoint every `hops` hops.
 */
export type WorkJob = {
  readonly seed: Bytes
  /** Share of the time in which it works, 1 where absent: less leaves a tenant the rest. */
  readonly duty?: number
} & ({ readonly work: Work } | { readonly work: 'locality'; readonly hops: number })

export interface OpenRowsJob {
  readonly statement: GemmStatement
  readonly counts: readonly number[]
  readonly limits: GemmLimits
}

export interface OpenHopsJob {
  readonly statement: HopStatement
  readonly counts: readonly number[]
  /** At every checkpoint up to the close, 16 B each. */
  readonly states: Bytes
  readonly limits: HopLimits
}

export interface OpenPagesJob {
  readonly statement: PassStatement
  readonly counts: readonly number[]
  /** Every root up to the close, 32 B each: only the opened passes are run again. */
  readonly roots: Bytes
  readonly limits: PassLimits
}

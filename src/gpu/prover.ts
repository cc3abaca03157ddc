import type { BackendName, ProofSizes } from './backend.ts'
import type { GemmLimits, GemmOpenings, GemmStatement } from './gemm-proof.ts'
import type { Bytes } from './hash.ts'
import type { PassLimits, PassOpenings, PassStatement } from './residency-proof.ts'
import type { Work } from './slot-network.ts'

/** One device's side of slots, as a service sees it. Never blocks the event loop; runs one job at a time, in order. */
export interface Prover extends AsyncDisposable {
  /** What it proves with, as shown to people. */
  readonly backend: BackendName
  /** Loads and warms up everything, so that the first window loses nothing; GPU_PROVER_* when it cannot. */
  prepare(sizes: ProofSizes): Promise<void>
  /** Fills the resident buffer for an epoch; the same seed again costs nothing. */
  fill(job: FillJob, timeoutMs: number): Promise<void>
  /** Works until `stop`, handing over each root as it is done; GPU_PROVER_CRASHED when it breaks. */
  run(job: WorkJob, onRoot: (root: Bytes) => void): Promise<void>
  /** Ends `run`; without one it does nothing. */
  stop(): void
  /** Runs the chain again and copies out what is asked; GPU_PROVER_TIMEOUT after `timeoutMs`. */
  openRows(job: OpenRowsJob, timeoutMs: number): Promise<GemmOpenings>
  /** Runs the opened passes again over the fill that is still there. */
  openPages(job: OpenPagesJob, timeoutMs: number): Promise<PassOpenings>
}

export interface FillJob {
  readonly seed: Bytes
  readonly iterations: number
}

/** Passes over the fill under the keys that start at `seed`, or steps of the chain of `seed`. */
export interface WorkJob {
  readonly work: Work
  readonly seed: Bytes
}

export interface OpenRowsJob {
  readonly statement: GemmStatement
  readonly counts: readonly number[]
  readonly limits: GemmLimits
}

export interface OpenPagesJob {
  readonly statement: PassStatement
  readonly counts: readonly number[]
  /** Every root up to the close, 32 B each: only the opened passes are run again. */
  readonly roots: Bytes
  readonly limits: PassLimits
}

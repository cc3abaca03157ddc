import type { GemmLimits, GemmOpenings, GemmStatement } from './gemm-proof.ts'
import type { Bytes } from './hash.ts'

/** Something that does the work of a slot: this machine's CPU now, GPUs by driver later. Never blocks the event loop. */
export interface Prover extends AsyncDisposable {
  /** What it proves with, as shown to people: `cpu`, `cuda`, … */
  readonly backend: string
  /** Loads and warms up everything, so that the first window loses nothing; GPU_PROVER_* when it cannot. */
  prepare(n: number): Promise<void>
  /** Works the chain of `seed` until `stop`, handing over the root of each step as it is done; GPU_PROVER_CRASHED when it breaks. */
  run(job: ChainJob, onRoot: (root: Bytes) => void): Promise<void>
  /** Ends `run`; without one it does nothing. */
  stop(): void
  /** Runs the chain again and copies out what is asked; GPU_PROVER_TIMEOUT after `timeoutMs`. */
  open(job: OpenJob, timeoutMs: number): Promise<GemmOpenings>
}

export interface ChainJob {
  readonly seed: Bytes
  readonly n: number
}

export interface OpenJob {
  readonly statement: GemmStatement
  readonly counts: readonly number[]
  readonly limits: GemmLimits
}

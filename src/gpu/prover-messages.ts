/** What a prover and its process say to each other, over Node's channel with structured clones. */

import type { OpenedDevice, ProofSizes } from './backend.ts'
import type { BackendDevice } from './backends.ts'
import type { GemmOpenings } from './gemm-proof.ts'
import type { Bytes } from './hash.ts'
import type { HopOpenings } from './locality-proof.ts'
import type { FillJob, OpenHopsJob, OpenPagesJob, OpenRowsJob, WorkJob } from './prover.ts'
import type { PassOpenings } from './residency-proof.ts'

/** A numbered job: numbers rise, so that a stop can name all that came before. */
export type NumberedWork = WorkJob & { readonly job: number }

/** What the process does for its parent, one call at a time. */
export interface ProverMethods {
  open(device: BackendDevice): Promise<OpenedDevice>
  prepare(sizes: ProofSizes): Promise<void>
  fill(job: FillJob): Promise<void>
  run(work: NumberedWork): Promise<void>
  openRows(job: OpenRowsJob): Promise<GemmOpenings>
  openPages(job: OpenPagesJob): Promise<PassOpenings>
  openHops(job: OpenHopsJob): Promise<HopOpenings>
}

export type ProverMethod = keyof ProverMethods

export type ToProver =
  | { readonly id: number; readonly method: ProverMethod; readonly value: unknown }
  /** Ends this job and all before it. */
  | { readonly stop: number }

/** An error, as far as it crosses to the parent. */
export interface ProverFailure {
  readonly message: string
  readonly code: string
  readonly next?: string | undefined
}

export type FromProver =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: ProverFailure }
  | { readonly job: number; readonly root: Bytes }

import {
  type ElementAt,
  type ElementProof,
  isSampledElement,
  judgeElement,
  type Shown,
} from './element-proof.ts'
import type { GemmLimits, GemmStatement } from './gemm-proof.ts'
import type { Kernels } from './kernels.ts'
import { isSampledPage, judgePage, type PageProof } from './page-proof.ts'
import type { PageAt, PassLimits, PassStatement } from './residency-proof.ts'

/** One committed value of either work, with the statement that its judge derived. */
export type ShownJob =
  | {
      readonly work: 'gemm'
      readonly statement: GemmStatement
      readonly at: ElementAt
      readonly proof: ElementProof
      readonly limits: GemmLimits
    }
  | {
      readonly work: 'residency'
      readonly statement: PassStatement
      readonly at: PageAt
      readonly proof: PageProof
      readonly limits: PassLimits
    }

export interface ShownResult {
  readonly shown: Shown
  /** Whether it is among what a verifier of these openings must look at. */
  readonly isSampled: boolean
}

/** What a proof shows of a committed value. Never throws on bytes. */
export function judgeShown(kernels: Kernels, job: ShownJob): ShownResult {
  if (job.work === 'gemm') {
    const { statement, at, proof, limits } = job
    const shown = judgeElement(kernels, statement, at, proof, limits)
    return { shown, isSampled: isSampledElement(kernels, statement, at, limits) }
  }
  const { statement, at, proof, limits } = job
  const shown = judgePage(kernels, statement, at, proof, limits)
  return { shown, isSampled: isSampledPage(kernels, statement, at, limits) }
}

import type { BackendName } from '../gpu/backend.ts'
import type { Gpu, GpuFigures } from '../gpu/gpu.ts'
import type { ProofPlan } from '../gpu/plan-proofs.ts'
import type { Bar } from './leases/capacity.ts'
import type { GpuStanding } from './own-gpus.ts'

/** A device of this machine with what its driver says of it now, as `gpu list` and the control API show it. */
export interface GpuRow extends Gpu, GpuFigures {
  readonly atMs: number
  /** `paused` by its owner's limits, `unfit` by a check before it is announced: only a running node does either. */
  readonly state: 'ok' | 'lost' | 'paused' | 'unfit'
  /** Why it is not ok. */
  readonly reason: string | null
  /** Whether it proves on the chosen network. */
  readonly proves: boolean
  /** What proves it; null where nothing does. */
  readonly backend: BackendName | null
  /** The sizes it proves with: of its matrices, and of the fill it keeps, bytes. */
  readonly proofN: number | null
  readonly proofBytes: number | null
  /** Why it does not prove, and what would change that. */
  readonly provesNot: string | null
  /** The reason's name, where it has one. */
  readonly provesNotCode: string | null
  /** What its owner asked for and its proofs do without, and why. */
  readonly proofNotice: string | null
}

/** A row; `plan` is undefined for a device that came after the start and is not planned yet. */
export const gpuRow = (
  { sample, paused }: Pick<GpuStanding, 'sample' | 'paused'>,
  plan: ProofPlan | undefined,
  unfit?: Bar,
): GpuRow => ({
  ...sample.gpu,
  ...sample.figures,
  atMs: sample.atMs,
  ...standOf(sample, paused, unfit),
  ...proofOf(plan),
})

function standOf(sample: GpuStanding['sample'], paused: string | null, unfit: Bar | undefined) {
  if (sample.state === 'lost') return { state: 'lost', reason: sample.reason } as const
  if (paused !== null) return { state: 'paused', reason: paused } as const
  if (unfit !== undefined) return { state: 'unfit', reason: unfit.reason } as const
  return { state: 'ok', reason: null } as const
}

function proofOf(plan: ProofPlan | undefined) {
  if (plan !== undefined && 'device' in plan) {
    const { device, sizes, notice: proofNotice = null } = plan
    const { n: proofN, bytes: proofBytes } = sizes
    const { backend } = device
    return { ...NO_PROOF, proves: true, backend, proofN, proofBytes, proofNotice }
  }
  const provesNot =
    plan === undefined ? 'it was not looked at yet' : `${plan.refusal}: ${plan.next}`
  return { ...NO_PROOF, provesNot, provesNotCode: plan?.code ?? null }
}

const NO_PROOF = {
  proves: false,
  backend: null,
  proofN: null,
  proofBytes: null,
  provesNot: null,
  provesNotCode: null,
  proofNotice: null,
} as const

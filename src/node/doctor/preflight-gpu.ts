import { messageOf, NodeError } from '../../errors.ts'
import type { ProofSizes } from '../../gpu/backend.ts'
import type { ProofPlan } from '../../gpu/plan-proofs.ts'
import { isOutOfMemory, type Prover } from '../../gpu/prover.ts'
import type { slotNetworks } from '../../gpu/slot-network.ts'
import type { GpuSample } from '../../gpu/telemetry.ts'
import { MiB } from '../../units.ts'
import { selfProve } from '../self-proof.ts'
import { type Finding, finding } from './finding.ts'

export interface PreflightNeeds {
  readonly sample: Pick<GpuSample, 'gpu' | 'state' | 'reason'>
  readonly plan: ProofPlan | undefined
  readonly prover: Prover | undefined
  readonly network: keyof typeof slotNetworks
  /** Finds sizes that fit where those of the plan do not; undefined when there are none. */
  readonly shrink: () => Promise<ProofSizes | undefined>
  readonly onStage?: (stage: string) => void
}

/** The self-proof's fill: enough that every kernel works on more than one buffer's worth, made in a moment. */
const FILL_BYTES = 256 * MiB
/** So much of each kind of work shows that the bytes are right; rates are `gpu bench`'s. */
const WORK_MS = { residency: 200, gemm: 200 } as const

/**
 * What one device must pass before it is announced: its driver answers, its backend opens it, a short proof is what our
 * verifier expects, and its sizes fit in its memory; the first that fails ends it. A device that nothing drives has
 * nothing to pass: it is offered, and proves nothing.
 */
export async function preflightGpu(needs: PreflightNeeds): Promise<Finding[]> {
  const { sample, plan, prover } = needs
  const found = [driverFinding(sample)]
  if (!found[0]!.ok) return found
  found.push(backendFinding(sample, plan))
  if (plan === undefined || 'refusal' in plan || prover === undefined) return found
  const name = (check: string): string => `${check} ${sample.gpu.id}`
  const proof = await proofFinding(name('self-proof'), needs, plan.sizes, prover)
  found.push(proof)
  if (proof.ok) found.push(await sizesFinding(name('sizes'), needs, plan.sizes, prover))
  return found
}

function driverFinding({ gpu, state, reason }: PreflightNeeds['sample']): Finding {
  const driver = gpu.driver === undefined ? '' : `, driver ${gpu.driver}`
  return finding(`driver ${gpu.id}`, state === 'ok', {
    required: true,
    actual: state === 'ok' ? `${gpu.name}${driver}` : `${gpu.name} is lost: ${reason}`,
    wanted: 'a driver that answers',
    remedy: 'see what nvidia-smi or rocm-smi says; reset the GPU, or restart the machine',
  })
}

const backendFinding = ({ gpu }: PreflightNeeds['sample'], plan: ProofPlan | undefined): Finding =>
  finding(`backend ${gpu.id}`, plan !== undefined && 'device' in plan, {
    actual:
      plan === undefined
        ? 'it was not looked at yet'
        : 'device' in plan
          ? plan.device.backend
          : plan.refusal,
    wanted: 'one that proves it on this network; without, it is offered and earns nothing',
    remedy:
      plan === undefined ? 'start the node again' : 'refusal' in plan ? plan.next : 'nothing to do',
  })

async function proofFinding(
  check: string,
  { sample, network, onStage }: PreflightNeeds,
  { n, bytes }: ProofSizes,
  prover: Prover,
): Promise<Finding> {
  const wanted = 'a short proof that our own verifier accepts'
  const sizes = { n, bytes: Math.min(bytes, FILL_BYTES) }
  const told = onStage === undefined ? {} : { onStage }
  try {
    const job = { prover, gpu: sample.gpu.id, sizes, network, forMs: WORK_MS, ...told }
    const { proof, fault } = await selfProve(job)
    const { residency, gemm } = proof.finals
    return finding(check, fault === undefined, {
      required: true,
      actual: fault ?? `VALID: ${residency.count} passes, ${gemm.count} steps of n = ${n}`,
      wanted,
      remedy: 'its arithmetic is wrong: test its memory, take back overclocking, update the driver',
    })
  } catch (error) {
    return failed(check, error, wanted)
  }
}

async function sizesFinding(
  check: string,
  { shrink, onStage }: PreflightNeeds,
  planned: ProofSizes,
  prover: Prover,
): Promise<Finding> {
  onStage?.('taking all the memory that is announced')
  const wanted = `memory for ${told(planned)}`
  try {
    const sizes = await fitting(planned, prover, shrink)
    return finding(check, sizes !== undefined, {
      required: true,
      actual: sizes === undefined ? 'not even the smallest proof fits' : told(sizes),
      wanted,
      remedy: 'close what else uses the GPU',
    })
  } catch (error) {
    return failed(check, error, wanted)
  }
}

async function fitting(
  planned: ProofSizes,
  prover: Prover,
  shrink: PreflightNeeds['shrink'],
): Promise<ProofSizes | undefined> {
  try {
    await prover.prepare(planned)
    return planned
  } catch (error) {
    if (!isOutOfMemory(error)) throw error
    return await shrink()
  }
}

const told = ({ n, bytes }: ProofSizes): string =>
  `n = ${n} and ${Math.floor(bytes / MiB)} MiB resident`

const failed = (check: string, error: unknown, wanted: string): Finding =>
  finding(check, false, {
    required: true,
    actual: messageOf(error),
    wanted,
    remedy:
      (error instanceof NodeError ? error.next : undefined) ??
      'see the log, and run compute-node doctor',
  })

import { NodeError } from '../errors.ts'
import type { ProofSizes } from './backend.ts'
import type { BackendDevice } from './backends.ts'
import {
  type Asked,
  type BackendChoice,
  type BackendFacts,
  type ChosenBackend,
  chooseBackends,
  type ProofRefusal,
  waysTo,
} from './choose-backend.ts'
import { chooseSizes } from './choose-sizes.ts'
import type { Gpu } from './gpu.ts'
import { probeWebgpuAdapters } from './probe-adapters.ts'
import { probeCudaDevices } from './probe-cuda.ts'
import type { slotNetworks } from './slot-network.ts'
import type { GpuSample } from './telemetry.ts'
import { largestN } from './webgpu-limits.ts'

/** How a device proves: what drives it, and the sizes that suit it. */
export interface Planned {
  readonly device: BackendDevice
  readonly sizes: ProofSizes
}

/** How a device proves, or why it does not. */
export type ProofPlan = Planned | ProofRefusal
/** By the device's id. */
export type ProofPlans = ReadonlyMap<string, ProofPlan>

export interface PlanOptions {
  readonly choice: BackendChoice
  readonly network: keyof typeof slotNetworks
  /** Asks what libcuda and WebGPU see; each is asked only where it matters. */
  readonly askCuda?: typeof probeCudaDevices
  readonly askWebgpu?: typeof probeWebgpuAdapters
}

/** What a device is and how much of its memory is in use, as a driver's reading tells it. */
export type Plannable = Pick<GpuSample, 'gpu' | 'figures'>

/** Plans the proofs of a machine's devices; a driver that fails is a reason, never an error. */
export async function planProofs(
  samples: readonly Plannable[],
  options: PlanOptions,
): Promise<ProofPlans> {
  const { choice, network } = options
  const gpus = samples.map(({ gpu }) => gpu)
  const verdicts = chooseBackends(gpus, await factsFor(gpus, options))
  return new Map(
    samples.map(({ gpu, figures }) => {
      const verdict = verdicts.get(gpu.id)!
      if ('refusal' in verdict) return [gpu.id, verdict]
      return [gpu.id, planned(gpu, figures.memoryUsedMiB, verdict, { choice, network })]
    }),
  )
}

async function factsFor(
  gpus: readonly Gpu[],
  { choice, network, askCuda = probeCudaDevices, askWebgpu = probeWebgpuAdapters }: PlanOptions,
): Promise<BackendFacts> {
  const isLocalNetwork = network === 'local'
  const asked = { choice, isLocalNetwork, cuda: undefined, adapters: undefined }
  const wants = (way: 'cuda' | 'webgpu', those: readonly Gpu[]): boolean =>
    those.some((gpu) => waysTo(gpu, choice).includes(way))
  const cuda = wants('cuda', gpus) ? await saidBy(askCuda) : undefined
  const first = chooseBackends(gpus, { ...asked, cuda })
  const rest = gpus.filter(({ id }) => 'refusal' in first.get(id)!)
  const adapters = wants('webgpu', rest) ? await saidBy(askWebgpu) : undefined
  return { ...asked, cuda, adapters }
}

async function saidBy<T>(ask: () => Promise<readonly T[]>): Promise<Asked<T>> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof NodeError) return error
    throw error
  }
}

function planned(
  gpu: Gpu,
  usedMiB: number | null,
  { device, adapter }: ChosenBackend,
  { network }: Pick<PlanOptions, 'choice' | 'network'>,
): ProofPlan {
  const { backend } = device
  const isSoftware = adapter?.isSoftware === true
  const limits =
    adapter === undefined ? {} : { maxN: largestN({ storageBytes: storageBytes(adapter) }) }
  const sizes = chooseSizes({ network, gpu, backend, isSoftware, usedMiB, ...limits })
  if (sizes !== undefined) return { device, sizes }
  const used = usedMiB === null ? '' : `, of which ${usedMiB} are in use`
  return {
    refusal: `${backend}: ${gpu.vramMiB} MiB${used}, are too little to prove with`,
    next: 'close what else uses the GPU',
  }
}

const storageBytes = ({
  maxBufferBytes,
  maxBindingBytes,
}: NonNullable<ChosenBackend['adapter']>): number => Math.min(maxBufferBytes, maxBindingBytes)

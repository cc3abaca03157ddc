import { NodeError } from '../errors.ts'
import { MiB } from '../units.ts'
import type { ProofSizes } from './backend.ts'
import type { BackendDevice } from './backends.ts'
import {
  type Asked,
  type BackendChoice,
  type BackendFacts,
  type ChosenBackend,
  chooseBackends,
  gpusToPin,
  type ProofRefusal,
  waysTo,
} from './choose-backend.ts'
import { chooseSizes } from './choose-sizes.ts'
import type { Gpu } from './gpu.ts'
import { pinOf } from './pin-device.ts'
import { probeWebgpuAdapters } from './probe-adapters.ts'
import { probeCudaDevices } from './probe-cuda.ts'
import type { slotNetworks } from './slot-network.ts'
import type { GpuSample } from './telemetry.ts'
import type { WebgpuAdapter } from './webgpu-adapters.ts'
import { largestN } from './webgpu-limits.ts'

/** How a device proves: what drives it, and the sizes that suit it. */
export interface Planned {
  readonly device: BackendDevice
  readonly sizes: ProofSizes
  /** What its owner asked for and it does not do, and why. */
  readonly notice?: string
}

/** How a device proves, or why it does not. */
export type ProofPlan = Planned | ProofRefusal
/** By the device's id. */
export type ProofPlans = ReadonlyMap<string, ProofPlan>

export interface PlanOptions {
  readonly choice: BackendChoice
  readonly network: keyof typeof slotNetworks
  /** Multiplies by the tensor cores of GPUs that WebGPU drives, where that is right. */
  readonly subgroupMatrix?: boolean
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

async function factsFor(gpus: readonly Gpu[], options: PlanOptions): Promise<BackendFacts> {
  const { choice, network, subgroupMatrix = false } = options
  const { askCuda = probeCudaDevices, askWebgpu = probeWebgpuAdapters } = options
  const isLocalNetwork = network === 'local'
  const asked = { choice, isLocalNetwork, cuda: undefined, adapters: undefined }
  const wants = (way: 'cuda' | 'webgpu', those: readonly Gpu[]): boolean =>
    those.some((gpu) => waysTo(gpu, choice).includes(way))
  const cuda = wants('cuda', gpus) ? await saidBy(askCuda) : undefined
  const first = chooseBackends(gpus, { ...asked, cuda })
  const rest = gpus.filter(({ id }) => 'refusal' in first.get(id)!)
  const ask = (pci?: string) =>
    saidBy(() => askWebgpu({ subgroupMatrix, ...(pci === undefined ? {} : { pci }) }))
  const adapters = wants('webgpu', rest) ? await ask() : undefined
  const shared = Array.isArray(adapters)
    ? gpusToPin(rest, adapters as readonly WebgpuAdapter[])
    : []
  const pinned = new Map<string, Asked<WebgpuAdapter>>()
  // One after the other: drivers are loaded and memory is taken.
  for (const gpu of shared) pinned.set(gpu.id, await ask(pinOf(gpu)))
  return { ...asked, cuda, adapters, pinned }
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
  const known = { ...gpu, vramMiB: memoryMiB(gpu, adapter) }
  const sizes = chooseSizes({ network, gpu: known, backend, isSoftware, usedMiB, ...limits })
  const notice = noticeOf(adapter)
  if (sizes !== undefined) return { device, sizes, ...(notice === undefined ? {} : { notice }) }
  const used = usedMiB === null ? '' : `, of which ${usedMiB} are in use`
  return {
    refusal: `${backend}: ${known.vramMiB} MiB${used}, are too little to prove with`,
    next: 'close what else uses the GPU',
  }
}

/** Where nobody tells how much there is, a driver that gives such a buffer has as much; the fill is tried before it is announced. */
const memoryMiB = ({ vramMiB }: Gpu, adapter: ChosenBackend['adapter']): number =>
  vramMiB > 0 || adapter === undefined ? vramMiB : Math.floor(adapter.maxBufferBytes / MiB)

const noticeOf = (adapter: ChosenBackend['adapter']): string | undefined =>
  adapter?.subgroupMatrix !== undefined && 'refusal' in adapter.subgroupMatrix
    ? adapter.subgroupMatrix.refusal
    : undefined

const storageBytes = ({
  maxBufferBytes,
  maxBindingBytes,
}: NonNullable<ChosenBackend['adapter']>): number => Math.min(maxBufferBytes, maxBindingBytes)

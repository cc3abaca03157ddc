/** Which backend drives which device of this machine. Pure: drivers were asked before. */
import { type ErrorCode, messageOf, type NodeError } from '../errors.ts'
import type { BackendName } from './backend.ts'
import type { BackendDevice } from './backends.ts'
import type { CudaDeviceFacts } from './cuda/devices.ts'
import { CUDA_CAPABILITY, sameUuid } from './cuda/devices.ts'
import type { Gpu } from './gpu.ts'
import { pinOf } from './pin-device.ts'
import { softwareRefusal, type WebgpuAdapter } from './webgpu-adapters.ts'

/** What the owner chose. `cpu` proves every device with the processor, `auto` each with what suits it. */
export const backendChoices = ['auto', 'cuda', 'webgpu', 'cpu'] as const
export type BackendChoice = (typeof backendChoices)[number]

/** What a driver says, or why it says nothing; undefined where it was not asked. */
export type Asked<T> = readonly T[] | NodeError | undefined

export interface BackendFacts {
  readonly choice: BackendChoice
  readonly isLocalNetwork: boolean
  /** What libcuda lists. */
  readonly cuda: Asked<CudaDeviceFacts>
  /** What WebGPU lists. */
  readonly adapters: Asked<WebgpuAdapter>
  /** What it lists to a process that is held to one GPU, by the GPU's id; asked of GPUs that share their name. */
  readonly pinned?: ReadonlyMap<string, Asked<WebgpuAdapter>>
}

/** Why a device does not prove, and what would change that. */
export interface ProofRefusal {
  readonly refusal: string
  readonly next: string
  /** For programs, where the reason has a name. */
  readonly code?: ErrorCode
}

/** What drives a device. */
export interface ChosenBackend {
  readonly device: BackendDevice
  /** The adapter that WebGPU drives it by. */
  readonly adapter?: WebgpuAdapter
}

export type BackendVerdict = ChosenBackend | ProofRefusal

/**
 * A backend for each device by its id, or why it has none: NVIDIA GPUs that CUDA can, by their UUID; else the WebGPU
 * adapter of the same name. Adapters are told apart by name alone, so of several equal GPUs one proves this way, and all
 * for which a process can be held to the one at their address.
 */
export function chooseBackends(
  gpus: readonly Gpu[],
  facts: BackendFacts,
): ReadonlyMap<string, BackendVerdict> {
  const taken = new Set<string>()
  const chosen = new Map<string, BackendVerdict>()
  // A process that is not held to one opens the first of its name, which may be one that another is held to.
  const isPinned = ({ id }: Gpu): boolean => Array.isArray(facts.pinned?.get(id))
  for (const gpu of gpus.toSorted((a, b) => Number(isPinned(b)) - Number(isPinned(a)))) {
    const tried = waysTo(gpu, facts.choice).map((way) => tries[way](gpu, facts, gpus, taken))
    const found = tried.find((one) => 'device' in one)
    if (found?.adapter !== undefined) taken.add(found.adapter.name)
    chosen.set(gpu.id, found ?? joined(tried as ProofRefusal[]))
  }
  return chosen
}

/** The backends to try for a device, the best first. */
export function waysTo({ vendor }: Pick<Gpu, 'vendor'>, choice: BackendChoice): BackendName[] {
  if (choice !== 'auto') return [choice]
  if (vendor === 'cpu') return ['cpu']
  return vendor === 'nvidia' ? ['cuda', 'webgpu'] : ['webgpu']
}

function joined(refusals: readonly ProofRefusal[]): ProofRefusal {
  const code = refusals.at(-1)?.code
  return {
    refusal: refusals.map(({ refusal }) => refusal).join('; '),
    next: refusals[0]?.next ?? '',
    ...(code === undefined ? {} : { code }),
  }
}

type Try = (
  gpu: Gpu,
  facts: BackendFacts,
  all: readonly Gpu[],
  taken: ReadonlySet<string>,
) => BackendVerdict

const tries: Readonly<Record<BackendName, Try>> = {
  cpu: (_, { isLocalNetwork }) =>
    isLocalNetwork
      ? { device: { backend: 'cpu', threads: 1 } }
      : {
          refusal: 'cpu: processors prove on local networks alone',
          next: 'use a machine with a GPU, or --network local',
        },
  cuda: (gpu, { cuda }) => tryCuda(gpu, cuda),
  webgpu: (gpu, facts, all, taken) => tryWebgpu(gpu, facts, all, taken),
}

const UPDATE = 'update the NVIDIA driver, and in a container start it with --gpus'

function tryCuda(gpu: Gpu, cuda: Asked<CudaDeviceFacts>): BackendVerdict {
  const refused = (why: string, next = UPDATE): ProofRefusal => ({ refusal: `cuda: ${why}`, next })
  const { vendor, uuid, mig } = gpu
  if (vendor !== 'nvidia') return refused('only NVIDIA GPUs', 'let --backend be auto')
  if (uuid === undefined) return refused('its driver tells no UUID')
  if (cuda === undefined) return refused('libcuda was not asked')
  if (!Array.isArray(cuda)) {
    const error = cuda as NodeError
    return refused(messageOf(error), error.next)
  }
  const listed = (cuda as readonly CudaDeviceFacts[]).find((one) => sameUuid(one.uuid, uuid))
  const capability = gpu.computeCapability ?? listed?.computeCapability
  if (capability !== undefined && Number(capability) < CUDA_CAPABILITY) {
    return refused(
      `compute capability ${capability}, and ${CUDA_CAPABILITY}.0 is needed`,
      "install the GPU's Vulkan driver: WebGPU proves older GPUs",
    )
  }
  // libcuda shows a process one slice of a divided GPU, and its prover asks for this one (prover-link.ts).
  if (listed === undefined && mig === undefined) {
    return refused(`libcuda does not list ${uuid}`, 'see whether CUDA_VISIBLE_DEVICES hides it')
  }
  return { device: { backend: 'cuda', uuid } }
}

function tryWebgpu(
  gpu: Gpu,
  { adapters, pinned, isLocalNetwork }: BackendFacts,
  all: readonly Gpu[],
  taken: ReadonlySet<string>,
): BackendVerdict {
  const refused = (why: string, next: string, code?: ErrorCode): ProofRefusal => ({
    refusal: `webgpu: ${why}`,
    next,
    ...(code === undefined ? {} : { code }),
  })
  if (adapters === undefined) return refused('WebGPU was not asked', 'let --backend be auto')
  if (!Array.isArray(adapters)) {
    const error = adapters as NodeError
    return refused(messageOf(error), error.next ?? 'compute-node doctor says more', error.code)
  }
  const adapter = adapterOf(gpu, adapters as readonly WebgpuAdapter[], all)
  if (adapter === undefined) {
    const names = (adapters as readonly WebgpuAdapter[]).map(({ name }) => name).join(', ')
    return refused(
      `no adapter is ${gpu.vendor === 'cpu' ? 'software' : gpu.name}; there ${names === '' ? 'are none' : `is ${names}`}`,
      "install the GPU's Vulkan driver (AMD, Intel: apt-get install libvulkan1 mesa-vulkan-drivers)",
    )
  }
  const { name, isSoftware } = adapter
  const software = softwareRefusal({ device: name, isSoftware }, isLocalNetwork)
  if (software !== undefined) return refused(software.message, software.next ?? '', software.code)
  const pin = pinned?.get(gpu.id)
  if (Array.isArray(pin)) return byPin(gpu, pin as readonly WebgpuAdapter[])
  if (taken.has(name)) {
    const why = pin === undefined ? 'and this one cannot be held to its address' : messageOf(pin)
    return refused(
      `of several GPUs named ${name} a process can only use the first, ${why}`,
      'give each GPU a container or machine of its own that sees it alone',
      'GPU_NOT_PINNED',
    )
  }
  return byAdapter(adapter)
}

/** A GPU by its adapter; by subgroup matrices where that was asked, and found right. */
const byAdapter = (adapter: WebgpuAdapter, pci?: string): ChosenBackend => ({
  device: {
    backend: 'webgpu',
    adapter: adapter.name,
    ...('shape' in (adapter.subgroupMatrix ?? {}) ? { subgroupMatrix: true } : {}),
    ...(pci === undefined ? {} : { pci }),
  },
  adapter,
})

/** A GPU that shares its name with others, by what a process sees that is held to it. */
const byPin = (gpu: Gpu, seen: readonly WebgpuAdapter[]): ChosenBackend =>
  byAdapter(seen.find(({ isSoftware }) => !isSoftware)!, pinOf(gpu))

/** The GPUs whose name several adapters have, and for which a process may be held to their address. */
export function gpusToPin(gpus: readonly Gpu[], adapters: readonly WebgpuAdapter[]): Gpu[] {
  const shared = gpus.filter((gpu) => (adapterOf(gpu, adapters, gpus)?.count ?? 0) > 1)
  return shared.filter((gpu) => pinOf(gpu) !== undefined)
}

/**
 * The adapter that drives a GPU: the one of its name, else the only one of its vendor where it is the vendor's only GPU
 * (AMD's tools and its Vulkan driver use different names). The processor is driven by software alone.
 */
function adapterOf(
  gpu: Gpu,
  adapters: readonly WebgpuAdapter[],
  all: readonly Gpu[],
): WebgpuAdapter | undefined {
  if (gpu.vendor === 'cpu') return adapters.find(({ isSoftware }) => isSoftware)
  const real = adapters.filter(({ isSoftware }) => !isSoftware)
  const named = real.find(({ name }) => sameGpuName(name, gpu.name))
  if (named !== undefined) return named
  const ofVendor = real.filter(({ vendor }) => vendor.toLowerCase() === gpu.vendor)
  const isOnly = all.filter(({ vendor }) => vendor === gpu.vendor).length === 1
  return isOnly && ofVendor.length === 1 && ofVendor[0]!.count === 1 ? ofVendor[0] : undefined
}

/** Whether two drivers mean the same model: `Radeon RX 6800` and `AMD Radeon RX 6800 (RADV NAVI21)` do. */
export const sameGpuName = (one: string, other: string): boolean =>
  modelWords(one) !== '' && modelWords(one) === modelWords(other)

/** The words of a name that tell the model. */
export const modelWords = (name: string): string =>
  name
    .replace(/\(.*?\)/g, ' ')
    .replace(/\b(NVIDIA|AMD|Intel|Apple|Corporation|Graphics)\b/gi, ' ')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()

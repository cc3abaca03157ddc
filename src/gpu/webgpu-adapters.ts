/** The GPUs that WebGPU sees on this machine, and which of them may prove. */
import { messageOf, NodeError } from '../errors.ts'
import type { Backend } from './backend.ts'
import { loadWebgpu, type WebgpuModule } from './webgpu-module.ts'

/** One name among the adapters; Dawn tells adapters apart by name alone. */
export interface WebgpuAdapter {
  /** The device as its driver names it; what `createWebgpuBackend` takes. */
  readonly name: string
  /** The interface that drives it: `vulkan`, `metal` or `d3d12`. */
  readonly driver: string
  /** e.g. `nvidia`, `amd`, `intel`, `apple`; empty where the driver does not tell. */
  readonly vendor: string
  /** The GPU's family, e.g. `rdna-2`; empty where the driver does not tell. */
  readonly architecture: string
  /** The driver in its own words. */
  readonly description: string
  readonly isSoftware: boolean
  /** How many adapters have this name; only the first of them can be used by a process. */
  readonly count: number
  /** Largest buffer, and largest part of one that a kernel sees, bytes. WebGPU does not tell how much memory there is. */
  readonly maxBufferBytes: number
  readonly maxBindingBytes: number
  /** The product that it does at once, or why it multiplies without; absent where that was not asked. */
  readonly subgroupMatrix?: { readonly shape: string } | { readonly refusal: string }
}

/** An adapter that was opened. `gpu` must be kept as long as it is used, for Dawn ends with it. */
export interface OpenAdapter {
  readonly gpu: GPU
  readonly adapter: GPUAdapter
  readonly name: string
  readonly isSoftware: boolean
}

type Named = Pick<WebgpuAdapter, 'name' | 'driver'>

/** No adapter has this name, so Dawn says which there are. */
const NO_NAME = 'adapter=\u0001'
const LISTED = /^ \* backend: '([^']*)', name: '(.*)'$/gm
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render|cpu/i

/** Whether an adapter of this name is software that plays a GPU. */
export const isSoftwareName = (name: string): boolean => SOFTWARE.test(name)

/** What keeps a device from proving on this network, or undefined: software is no GPU outside of local networks. */
export function softwareRefusal(
  { device, isSoftware }: Pick<Backend, 'device' | 'isSoftware'>,
  isLocalNetwork: boolean,
): NodeError | undefined {
  if (!isSoftware || isLocalNetwork) return undefined
  return new NodeError('GPU_SOFTWARE', `${device} is software and proves on local networks alone`, {
    next: "install the GPU's own driver; in a container also its Vulkan part (NVIDIA: the capability graphics)",
  })
}

/** Adapters by the names in Dawn's answer to a name that no adapter has. */
export const parseAdapterNames = (message: string): Named[] =>
  [...message.matchAll(LISTED)].map(([, driver = '', name = '']) => ({ driver, name }))

/**
 * The adapters of the platform's own interface, each name once. Loads the GPU drivers into this process.
 * @throws GPU_BACKEND_MISSING where Dawn cannot be loaded
 */
export async function listWebgpuAdapters(load = loadWebgpu): Promise<WebgpuAdapter[]> {
  const webgpu = await load()
  const named = await adapterNames(webgpu)
  const unique = [...Map.groupBy(named, ({ name }) => name).values()]
  return Promise.all(
    unique.map(async (same) => {
      const { name, driver } = same[0]!
      const { adapter, isSoftware } = await openNamed(webgpu, name)
      const { limits, info } = adapter
      return {
        name,
        driver,
        vendor: info.vendor,
        architecture: info.architecture,
        description: info.description,
        isSoftware,
        count: same.length,
        maxBufferBytes: limits.maxBufferSize,
        maxBindingBytes: limits.maxStorageBufferBindingSize,
      }
    }),
  )
}

/**
 * Opens the adapter of this name, else the first real GPU, else the first adapter; `flags` are Dawn's.
 * @throws GPU_NOT_FOUND when there is none, or none of this name
 */
export async function openAdapter(
  webgpu: WebgpuModule,
  wanted?: string,
  flags: readonly string[] = [],
): Promise<OpenAdapter> {
  const names = (await adapterNames(webgpu)).map(({ name }) => name)
  const name =
    wanted === undefined
      ? (names.find((each) => !isSoftwareName(each)) ?? names[0])
      : names.find((each) => each === wanted)
  if (name !== undefined) return openNamed(webgpu, name, flags)
  const there = names.length === 0 ? 'no adapter at all' : names.join(', ')
  throw new NodeError('GPU_NOT_FOUND', `WebGPU finds no ${wanted ?? 'GPU'} here: ${there}`, {
    next:
      names.length === 0
        ? "install the GPU's Vulkan driver (apt-get install libvulkan1 mesa-vulkan-drivers; NVIDIA: its driver, with the capability graphics in a container)"
        : 'name one of these adapters',
  })
}

async function adapterNames({ create }: WebgpuModule): Promise<Named[]> {
  try {
    await create([NO_NAME]).requestAdapter() // null: there is none at all
    return []
  } catch (error) {
    return parseAdapterNames(messageOf(error))
  }
}

async function openNamed(
  { create }: WebgpuModule,
  name: string,
  flags: readonly string[] = [],
): Promise<OpenAdapter> {
  const gpu = create([`adapter=${name}`, ...flags])
  const adapter = await gpu.requestAdapter()
  // Dawn takes the first adapter whose name contains this one, and says its name in the plain form of WebGPU.
  if (adapter?.info.device !== name.toLowerCase().replace(/[^a-z0-9]+/g, '-')) {
    throw new NodeError('GPU_NOT_FOUND', `WebGPU opens another adapter in place of ${name}`, {
      next: 'prove in a container or process that sees this GPU alone (NVIDIA: NVIDIA_VISIBLE_DEVICES; Mesa: VK_DRIVER_FILES)',
    })
  }
  return { gpu, adapter, name, isSoftware: adapter.info.isFallbackAdapter || isSoftwareName(name) }
}

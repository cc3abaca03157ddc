import { codeOf, messageOf, NodeError } from '../errors.ts'
import type { Backend, ProofSizes } from './backend.ts'
import { checkChip } from './drm-usage.ts'
import { openAdapter } from './webgpu-adapters.ts'
import { WebgpuChain } from './webgpu-chain.ts'
import { WebgpuDevice } from './webgpu-device.ts'
import { WebgpuFill } from './webgpu-fill.ts'
import { checkSizes, chooseGemm, type WebgpuLimits } from './webgpu-limits.ts'
import { loadWebgpu } from './webgpu-module.ts'
import { openWithSubgroups } from './webgpu-subgroup-matrix.ts'
import { type Gemm, type GemmVariant, gemmOf } from './wgsl/gemm.ts'

export interface WebgpuOptions {
  /** Name of the adapter (webgpu-adapters.ts); by default the first real GPU. */
  readonly adapter?: string
  /** Kernel of the matrix product, by default what suits the device; all give the same bytes. */
  readonly gemm?: GemmVariant
  /** Multiplies by subgroup matrices where the device has them and they are right, else as without, with a notice. */
  readonly subgroupMatrix?: boolean
  /** PCI address that the GPU must have; this process was told to see it alone (pin-device.ts). */
  readonly pci?: string
  /** Cuts work smaller than the device needs it. */
  readonly limits?: Partial<WebgpuLimits>
}

/**
 * A GPU of any vendor by WebGPU: Vulkan, Metal or Direct3D 12 beneath Dawn. Where a proof is made, it belongs into a
 * process of its own, for drivers crash.
 * @throws GPU_BACKEND_MISSING, GPU_NOT_FOUND, GPU_DRIVER, GPU_NOT_PINNED
 */
export async function createWebgpuBackend(options: WebgpuOptions = {}): Promise<Backend> {
  const opened = await openBackend(options)
  if (options.pci === undefined) return webgpuBackend(opened)
  try {
    await checkChip(opened.device, options.pci)
    return webgpuBackend(opened)
  } catch (error) {
    await opened.device[Symbol.asyncDispose]()
    throw error
  }
}

/** A device, what multiplies on it, and what of the owner's wishes is not done. */
interface Opened {
  readonly device: WebgpuDevice
  readonly gemm: Gemm
  readonly notice?: string
}

async function openBackend(options: WebgpuOptions): Promise<Opened> {
  const { adapter, gemm, limits, subgroupMatrix = false } = options
  const known = (device: WebgpuDevice): Gemm =>
    gemmOf(gemm ?? chooseGemm(device.isSoftware, device.hasDp4a))
  const webgpu = await loadWebgpu()
  const open = async (): Promise<Opened> => {
    const device = await WebgpuDevice.open(await openAdapter(webgpu, adapter), limits)
    return { device, gemm: known(device) }
  }
  if (!subgroupMatrix) return await open()
  try {
    return await openWithSubgroups(webgpu, { adapter, limits, known })
  } catch (error) {
    if (codeOf(error) !== 'GPU_UNSUPPORTED') throw error
    return { ...(await open()), notice: messageOf(error) }
  }
}

/** The backend over an open device, which it owns from here on. */
function webgpuBackend({ device, gemm, notice }: Opened): Backend {
  let prepared: { sizes: ProofSizes; chain: WebgpuChain; fill: WebgpuFill } | undefined
  let [isFilled, hasPassed] = [false, false]

  const ready = (condition: boolean, what: string): NonNullable<typeof prepared> => {
    if (prepared !== undefined && condition) return prepared
    throw new NodeError('GPU_TOO_EARLY', what)
  }
  return {
    name: 'webgpu',
    device: device.name,
    isSoftware: device.isSoftware,
    kernel: gemm.kernel.label,
    ...(notice === undefined ? {} : { notice }),
    async prepare(sizes) {
      checkSizes(sizes, device.limits, device.name)
      const { n, bytes } = prepared?.sizes ?? {}
      if (n === sizes.n && bytes === sizes.bytes) return
      prepared = undefined
      isFilled = hasPassed = false
      try {
        await device.call(async () => {
          device.releaseAll()
          const chain = await WebgpuChain.create(device, sizes.n, gemm)
          const fill = await WebgpuFill.create(device, sizes.bytes)
          // Drivers compile at the first dispatch: one workgroup of everything.
          const smallest = [...chain.samples, ...fill.samples]
          device.submit(smallest.map((job) => ({ ...job, workgroups: [1, 1] })))
          await device.finish()
          prepared = { sizes, chain, fill }
        })
      } catch (error) {
        prepared = undefined
        device.releaseAll()
        throw error
      }
    },
    async fill(seed, iterations) {
      const { fill } = ready(true, 'nothing was prepared')
      isFilled = hasPassed = false
      await device.call(() => fill.fill(seed, iterations))
      isFilled = true
    },
    async pass(key) {
      const { fill } = ready(isFilled, 'nothing was filled')
      hasPassed = false
      const root = await device.call(() => fill.pass(key))
      hasPassed = true
      return root
    },
    async openLeaves(leaves) {
      const { fill } = ready(hasPassed, 'no pass was made')
      return device.call(() => fill.openLeaves(leaves))
    },
    async hops(state, key, count) {
      const { fill } = ready(isFilled, 'nothing was filled')
      return device.call(() => fill.hops(state, key, count))
    },
    async startChain(seed) {
      const { chain } = ready(true, 'nothing was prepared')
      await device.call(() => chain.start(seed))
    },
    async step() {
      const { chain } = ready(prepared?.chain.started === true, 'no chain was started')
      return device.call(() => chain.next())
    },
    async openRows(rows) {
      const { chain } = ready((prepared?.chain.step ?? 0) > 0, 'no step was made')
      return device.call(() => chain.openRows(rows))
    },
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
  }
}

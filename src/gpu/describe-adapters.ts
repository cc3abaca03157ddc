import { messageOf } from '../errors.ts'
import { checkChip, notPinned } from './drm-usage.ts'
import { listWebgpuAdapters, openAdapter, type WebgpuAdapter } from './webgpu-adapters.ts'
import { WebgpuDevice } from './webgpu-device.ts'
import { chooseGemm } from './webgpu-limits.ts'
import { loadWebgpu } from './webgpu-module.ts'
import { openWithSubgroups, shapeText } from './webgpu-subgroup-matrix.ts'
import { gemmOf } from './wgsl/gemm.ts'

/** What is asked of this machine's adapters beside their names and limits. */
export interface AdapterQuestion {
  /** Whether each multiplies by subgroup matrices, and makes the right bytes. */
  readonly subgroupMatrix?: boolean
  /** This process was started for the GPU at this PCI address, and must see it alone. */
  readonly pci?: string
}

/**
 * The adapters of this process with the answers; it loads drivers, opens devices and works on them.
 * @throws GPU_BACKEND_MISSING, GPU_NOT_PINNED where a process that is held to one GPU sees several, or another one
 */
export async function describeAdapters(question: AdapterQuestion): Promise<WebgpuAdapter[]> {
  const { subgroupMatrix = false, pci } = question
  const adapters = await listWebgpuAdapters()
  if (pci !== undefined) await checkPin(adapters, pci)
  if (!subgroupMatrix) return adapters
  const answered: WebgpuAdapter[] = []
  for (const one of adapters) answered.push({ ...one, subgroupMatrix: await asksSubgroups(one) })
  return answered
}

async function checkPin(adapters: readonly WebgpuAdapter[], pci: string): Promise<void> {
  const [adapter, ...others] = adapters.filter(({ isSoftware }) => !isSoftware)
  if (adapter === undefined) throw notPinned(pci, 'is not seen by a process that is held to it')
  if (others.length > 0 || adapter.count > 1) {
    throw notPinned(adapter.name, 'is seen beside others by a process that is held to it')
  }
  await using device = await WebgpuDevice.open(await openAdapter(await loadWebgpu(), adapter.name))
  await checkChip(device, pci)
}

async function asksSubgroups({
  name: adapter,
}: WebgpuAdapter): Promise<NonNullable<WebgpuAdapter['subgroupMatrix']>> {
  try {
    const known = (device: WebgpuDevice) => gemmOf(chooseGemm(device.isSoftware, device.hasDp4a))
    const { device, shape } = await openWithSubgroups(await loadWebgpu(), { adapter, known })
    await device[Symbol.asyncDispose]()
    return { shape: shapeText(shape) }
  } catch (error) {
    return { refusal: messageOf(error) } // whatever it is, the GPU proves without
  }
}

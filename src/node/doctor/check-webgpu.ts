import { messageOf, NodeError } from '../../errors.ts'
import { probeWebgpuAdapters } from '../../gpu/probe-adapters.ts'
import type { WebgpuAdapter } from '../../gpu/webgpu-adapters.ts'
import { type Finding, finding } from './finding.ts'

/** Whether GPUs can prove by WebGPU, whoever made them; where CUDA proves, nothing lacks without. */
export async function checkWebgpu(
  list: () => Promise<readonly WebgpuAdapter[]> = probeWebgpuAdapters,
): Promise<Finding> {
  const wanted = 'a GPU with a driver for Vulkan, Metal or Direct3D 12; NVIDIA GPUs do without'
  try {
    const adapters = await list()
    const gpus = adapters.filter(({ isSoftware }) => !isSoftware)
    const found = gpus.length > 0 ? gpus : adapters
    const names = found.map(({ name, count }) => (count === 1 ? name : `${count} × ${name}`))
    return finding('webgpu', gpus.length > 0, {
      actual:
        gpus.length > 0
          ? names.join(', ')
          : ['no GPU', ...names.map((name) => `${name}, for local networks alone`)].join('; '),
      wanted,
      remedy:
        'with a GPU here: install its driver (AMD, Intel: apt-get install libvulkan1 mesa-vulkan-drivers)',
    })
  } catch (error) {
    const remedy = (error instanceof NodeError ? error.next : undefined) ?? 'reinstall the packages'
    return finding('webgpu', false, { actual: messageOf(error), wanted, remedy })
  }
}

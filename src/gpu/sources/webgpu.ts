import { totalmem } from 'node:os'
import { type Gpu, type GpuFigures, NO_FIGURES, pciId } from '../gpu.ts'
import { probeWebgpuAdapters } from '../probe-adapters.ts'
import { unclaimedGpus } from '../unclaimed-gpus.ts'
import { listRenderNodes, type RenderNode } from './render-nodes.ts'
import type { GpuReading } from './source.ts'

export interface LeftoverOptions {
  readonly probe?: typeof probeWebgpuAdapters
  readonly listNodes?: typeof listRenderNodes
  readonly machineBytes?: number
}

export interface LeftoverNeeds {
  readonly claimed: ReadonlySet<string>
  readonly told: readonly Gpu[]
  readonly timeoutMs: number
}

/** GPUs that no tool of a vendor tells of, and WebGPU shows. */
export interface LeftoverGpus {
  /** Those that are there now. Dawn is asked once, in a process of its own; afterwards the kernel is. */
  read(needs: LeftoverNeeds): Promise<GpuReading[]>
}

/** A driver that fails here hides GPUs and breaks nothing: the line `webgpu` of doctor tells of it, with what to do. */
export function leftoverGpus(options: LeftoverOptions = {}): LeftoverGpus {
  const { probe = probeWebgpuAdapters, listNodes = listRenderNodes } = options
  const { machineBytes = totalmem() } = options
  let found: readonly Gpu[] | undefined

  async function look(
    { claimed, told, timeoutMs }: LeftoverNeeds,
    nodes: readonly RenderNode[] | undefined,
  ): Promise<readonly Gpu[]> {
    // Where the kernel knows no other GPU, no driver is loaded to look for one.
    if (nodes?.every(({ vendor }) => claimed.has(vendor))) return []
    const adapters = await probe({ timeoutMs }).catch(() => [])
    return unclaimedGpus({ adapters, nodes, claimed, told, machineBytes })
  }

  return {
    async read(needs) {
      if (found?.length === 0) return []
      const nodes = await listNodes()
      found ??= await look(needs, nodes)
      return found.flatMap((gpu) => readingOf(gpu, nodes))
    },
  }
}

/** A GPU at an address is gone when the kernel has it no more; of others nothing is known. */
function readingOf(gpu: Gpu, nodes: readonly RenderNode[] | undefined): GpuReading[] {
  if (!gpu.id.startsWith('pci-')) return [{ gpu, figures: NO_FIGURES }]
  const node = nodes?.find(({ address }) => address !== undefined && pciId(address) === gpu.id)
  return node === undefined ? [] : [{ gpu, figures: figuresOf(node) }]
}

const figuresOf = ({ usedMiB, utilizationPercent }: RenderNode): GpuFigures => ({
  ...NO_FIGURES,
  memoryUsedMiB: usedMiB,
  utilizationPercent,
})

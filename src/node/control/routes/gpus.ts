import type { FastifyInstance } from 'fastify'
import { gpuRoutes, type LimitedGpu } from '../../../api/gpus.ts'
import { NodeError } from '../../../errors.ts'
import type { GpuProvers } from '../../gpu-provers.ts'
import { gpuRow } from '../../gpu-rows.ts'
import type { MinerChecks } from '../../miner-checks.ts'
import type { OwnGpus } from '../../own-gpus.ts'
import { limitsPatch } from '../../own-limits.ts'
import type { Preflight } from '../../preflight.ts'
import { addRoute } from '../add-route.ts'
import { parsed } from '../parsed.ts'

interface Needs {
  readonly gpus: OwnGpus | undefined
  readonly provers: GpuProvers | undefined
  readonly preflight: Preflight | undefined
  readonly minerChecks: MinerChecks | undefined
}

/**
 * `GET /v1/gpu`: this node's devices and where they stand. `GET /v1/gpu/preflight`: what was checked before they were
 * announced, and what else a miner needs. `GET`, `PATCH /v1/gpu/limits`: how far they may be used;
 * a change counts at once and after restarts. NOTHING_MATCHED on a node that is no miner.
 */
export function gpusRoute(
  app: FastifyInstance,
  { gpus, provers, preflight, minerChecks }: Needs,
): void {
  const own = (): OwnGpus => {
    if (gpus !== undefined) return gpus
    throw new NodeError('NOTHING_MATCHED', 'this node offers no GPUs', {
      next: 'run it with --role miner',
    })
  }
  const limits = () => ({ ...own().limits.now(), gpus: limited(own()) })
  addRoute(app, gpuRoutes.listGpus, () => ({
    items: own()
      .standings()
      .map((standing) => {
        const { id } = standing.sample.gpu
        return gpuRow(standing, provers?.planOf(id), preflight?.barOf(id))
      }),
  }))
  addRoute(app, gpuRoutes.getPreflight, () => {
    own()
    return { items: [...(preflight?.findings() ?? []), ...(minerChecks?.findings() ?? [])] }
  })
  addRoute(app, gpuRoutes.getGpuLimits, limits)
  addRoute(app, gpuRoutes.changeGpuLimits, async ({ body }) => {
    await own().limits.change(parsed(limitsPatch, body))
    return limits()
  })
}

function limited(gpus: OwnGpus): LimitedGpu[] {
  const { maxPowerW } = gpus.limits.now()
  return gpus.standings().map((standing) => {
    const { id, state, reason } = gpuRow(standing, undefined)
    const keeper = standing.isPowerCapped ? 'driver' : 'pausing'
    const powerKeptBy = maxPowerW === null ? null : keeper
    return { id, state, reason, powerKeptBy, unmeasured: [...standing.unmeasured] }
  })
}

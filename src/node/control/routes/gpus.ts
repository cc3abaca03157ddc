import type { FastifyInstance } from 'fastify'
import { NodeError } from '../../../errors.ts'
import type { GpuLimits, LimitName } from '../../../gpu/limits.ts'
import type { GpuProvers } from '../../gpu-provers.ts'
import { type GpuRow, gpuRow } from '../../gpu-rows.ts'
import type { MinerChecks } from '../../miner-checks.ts'
import type { OwnGpus } from '../../own-gpus.ts'
import { limitsPatch } from '../../own-limits.ts'
import type { Preflight } from '../../preflight.ts'
import { parsed } from '../parsed.ts'

/** What limits do to one GPU now. */
export interface LimitedGpu {
  readonly id: string
  readonly state: GpuRow['state']
  readonly reason: string | null
  /** Who keeps the power limit; null without one. */
  readonly powerKeptBy: 'driver' | 'pausing' | null
  /** Limits that cannot be kept, for nobody measures here what they limit. */
  readonly unmeasured: readonly LimitName[]
}

/** The owner's limits, and what they do. */
export interface LimitsAnswer extends GpuLimits {
  readonly gpus: readonly LimitedGpu[]
}

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
  const limits = (): LimitsAnswer => ({ ...own().limits.now(), gpus: limited(own()) })
  app.get('/v1/gpu', async () => ({
    items: own()
      .standings()
      .map((standing) => {
        const { id } = standing.sample.gpu
        return gpuRow(standing, provers?.planOf(id), preflight?.barOf(id))
      }),
  }))
  app.get('/v1/gpu/preflight', async () => {
    own()
    return { items: [...(preflight?.findings() ?? []), ...(minerChecks?.findings() ?? [])] }
  })
  app.get('/v1/gpu/limits', async () => limits())
  app.patch('/v1/gpu/limits', async ({ body }) => {
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
    return { id, state, reason, powerKeptBy, unmeasured: standing.unmeasured }
  })
}

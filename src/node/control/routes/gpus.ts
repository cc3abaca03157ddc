import type { FastifyInstance } from 'fastify'
import { NodeError } from '../../../errors.ts'
import type { Core } from '../../core.ts'
import { type GpuRow, gpuRow } from '../../gpu-rows.ts'
import type { OwnGpus } from '../../own-gpus.ts'

interface Needs {
  readonly core: Pick<Core, 'config'>
  readonly gpus: OwnGpus | undefined
}

/** `GET /v1/gpu`: this node's devices and where they stand; NOTHING_MATCHED on a node that is no miner. */
export function gpusRoute(app: FastifyInstance, { core, gpus }: Needs): void {
  app.get('/v1/gpu', async (): Promise<{ items: readonly GpuRow[] }> => {
    if (gpus === undefined) throw noGpus()
    return { items: gpus.standings().map((standing) => gpuRow(standing, core.config)) }
  })
}

const noGpus = (): NodeError =>
  new NodeError('NOTHING_MATCHED', 'this node offers no GPUs', { next: 'run it with --role miner' })

import type { FastifyInstance } from 'fastify'
import { gpuJobRoutes } from '../../../api/gpu-jobs.ts'
import { NodeError } from '../../../errors.ts'
import type { Core } from '../../core.ts'
import { createGpuJobs } from '../../gpu-jobs.ts'
import type { OwnGpus } from '../../own-gpus.ts'
import { addRoute, addStream } from '../add-route.ts'
import { createEventStreams } from '../event-stream.ts'

interface Needs {
  readonly core: Pick<Core, 'config' | 'nowMs'>
  readonly gpus: OwnGpus | undefined
}

/** `/v1/gpu/jobs`: what `compute-node gpu bench` and `gpu prove` do, on a node that does not mine. */
export function gpuJobsRoute(app: FastifyInstance, { core, gpus }: Needs): void {
  const life = new AbortController()
  app.addHook('onClose', async () => life.abort(new NodeError('FAILED_NODE_STOPPED', 'it stops')))
  const jobs = createGpuJobs(core, life.signal)
  const streams = createEventStreams(app)
  addRoute(app, gpuJobRoutes.startGpuJob, ({ body }) => {
    if (gpus === undefined) return jobs.start(body)
    throw new NodeError('REFUSED_MINING', 'this miner holds its devices: figures would be wrong', {
      next: 'what it shows in slots is in: GET /v1/attestations',
    })
  })
  addRoute(app, gpuJobRoutes.listGpuJobs, () => ({ items: jobs.all() }))
  addRoute(app, gpuJobRoutes.getGpuJob, ({ params }) => jobs.get(params.id))
  addRoute(app, gpuJobRoutes.cancelGpuJob, ({ params }) => jobs.cancel(params.id))
  addStream(app, gpuJobRoutes.watchGpuJob, ({ params }, _, reply) =>
    streams.answer(reply, 'job', async (signal) => {
      jobs.get(params.id)
      return jobs.watch(params.id, signal)
    }),
  )
  addStream(app, gpuJobRoutes.getGpuJobTranscript, ({ params }, _, reply) => {
    const content = jobs.transcript(params.id)
    return reply.type('application/octet-stream').send(Buffer.from(content))
  })
}

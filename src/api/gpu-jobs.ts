import { z } from 'zod'
import { listOf, whole } from './common.ts'
import { route } from './route.ts'

const gpuClass = z.strictObject({
  name: z.string(),
  tops: z
    .strictObject({ cuda: z.number(), webgpu: z.number() })
    .describe('int8, of our kernels; estimates'),
  gbps: z.number().describe('of the data sheet'),
  memoryGiB: z.number(),
})

/** What `gpu bench` measured. */
export const benchResult = z.strictObject({
  machine: z.strictObject({ cpu: z.string(), cores: whole, ramMiB: whole }),
  devices: z.array(
    z.strictObject({
      gpu: z.string(),
      name: z.string(),
      backend: z.enum(['cuda', 'webgpu', 'cpu']),
      vramMiB: whole,
      figures: z
        .strictObject({
          ranOn: z.string().describe('the device as its driver names it, and the kernel'),
          n: whole.describe('size of the matrices'),
          fillBytes: whole.describe('size of the resident fill'),
          usableMiB: whole
            .nullable()
            .describe('memory that its proofs take; null for processors and software'),
          tops: z.number().describe('int8 TOPS of the matrix chain'),
          gbps: z.number().describe('GB/s of passes over the fill'),
          fillGBps: z.number().describe('how fast the fill is made'),
          linkGBps: z
            .number()
            .nullable()
            .describe("GB/s from the machine's memory; null without a link"),
        })
        .nullable()
        .describe('null when it failed'),
      error: z.string().nullable(),
      expected: gpuClass.nullable().describe('what its model should show: estimates'),
    }),
  ),
  disk: z
    .strictObject({
      writeMBps: z.number(),
      readMBps: z.number(),
      isReadCached: z.boolean().describe('reads came through the cache of the file system'),
      bytes: whole.describe('written, and gone again'),
    })
    .nullable()
    .describe('null without room'),
  network: z.strictObject({
    loopbackMBps: z.number().describe('a byte tunnel between two nodes in this process'),
    bootstrapRttMs: z.number().nullable().describe('null where none was reached'),
    downMbps: z.number().nullable().describe('Mbit/s from that peer; null where it did not let'),
    upMbps: z.number().nullable().describe('Mbit/s to that peer; null where it did not let'),
    bootstrap: z.string().describe('who that was, or why nothing was measured'),
    bandwidth: z.string().nullable().describe('why there are no figures of the line'),
  }),
  classes: z.array(gpuClass).describe('to compare with: estimates'),
})

/** What came of a proof without a network. */
export const proven = z.strictObject({
  gpu: z.string(),
  name: z.string(),
  backend: z.string(),
  ranOn: z.string().describe('the device as its driver names it, and the kernel'),
  verdict: z.string().describe('VALID, or what our own verifier says is wrong'),
  reason: z.string(),
  n: whole.describe('size of the matrices'),
  fillBytes: whole.describe('size of the resident fill'),
  passes: whole,
  steps: whole,
  fillMs: whole,
  openMs: whole,
  id: z.string().describe('content id of the transcript'),
  bytes: whole.describe('size of the transcript'),
})

/** Work on this machine's devices that takes a while. */
export const gpuJob = z
  .strictObject({
    id: z.string(),
    kind: z.enum(['bench', 'prove']),
    gpu: z.string().nullable().describe('the device that was named; null: as the command does'),
    state: z.enum(['running', 'done', 'failed', 'cancelled']),
    stage: z.string().nullable().describe('what it is doing, in words'),
    startedAtMs: whole.describe('unix ms'),
    endedAtMs: whole.nullable().describe('unix ms; null while it runs'),
    bench: benchResult.nullable().describe('once it is done'),
    proven: proven.nullable().describe('once it is done'),
    error: z
      .strictObject({ code: z.string(), message: z.string(), next: z.string().exactOptional() })
      .nullable(),
  })
  .meta({ id: 'GpuJob', description: "Work on this machine's devices that takes a while" })
export type GpuJob = z.infer<typeof gpuJob>

const named = z.object({ id: z.string().max(64) })

export const gpuJobRoutes = {
  startGpuJob: route({
    method: 'POST',
    path: '/v1/gpu/jobs',
    scope: 'operate',
    kind: 'json',
    summary: 'Begins to measure this machine (`bench`), or to prove one device (`prove`)',
    description:
      'As `compute-node gpu bench` and `gpu prove`; one at a time. REFUSED_MINING on a miner, whose devices prove in slots; REFUSED_BUSY (429) while another runs. The newest 16 are kept until the node stops.',
    status: 202,
    body: z.strictObject({
      kind: z.enum(['bench', 'prove']),
      gpu: z
        .string()
        .max(128)
        .optional()
        .describe('id of one device; absent: all that prove, or the first'),
    }),
    answer: gpuJob,
  }),
  listGpuJobs: route({
    method: 'GET',
    path: '/v1/gpu/jobs',
    scope: 'read',
    kind: 'json',
    summary: 'What was measured and proven since the node started, newest first',
    answer: listOf(gpuJob),
  }),
  getGpuJob: route({
    method: 'GET',
    path: '/v1/gpu/jobs/:id',
    scope: 'read',
    kind: 'json',
    summary: 'One of them',
    params: named,
    answer: gpuJob,
  }),
  watchGpuJob: route({
    method: 'GET',
    path: '/v1/gpu/jobs/:id/events',
    scope: 'read',
    kind: 'events',
    summary: 'How it gets on: an event `job` at once and at every change, until it is over',
    params: named,
    answer: gpuJob,
  }),
  cancelGpuJob: route({
    method: 'POST',
    path: '/v1/gpu/jobs/:id/cancel',
    scope: 'operate',
    kind: 'json',
    summary: 'Ends it, and lets its device go; what is over stays so',
    params: named,
    answer: gpuJob,
  }),
  getGpuJobTranscript: route({
    method: 'GET',
    path: '/v1/gpu/jobs/:id/transcript',
    scope: 'read',
    kind: 'stream',
    summary: 'The transcript of a proof that is done, for `POST /v1/transcripts/verify`',
    params: named,
  }),
}

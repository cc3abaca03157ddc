import { z } from 'zod'
import { listOf, whole } from './common.ts'
import { route } from './route.ts'

const untold = 'null where the driver does not tell'

const figure = (what: string): z.ZodNullable<z.ZodNumber> =>
  z.number().nullable().describe(`${what}; ${untold}`)

const gpuState = z
  .enum(['ok', 'lost', 'paused', 'unfit'])
  .describe('of a running node: paused by its limits, unfit by its checks before announcing')

/** A device of this machine with what its driver says of it now. */
export const gpu = z
  .strictObject({
    id: z
      .string()
      .describe('stable across restarts: PCI address, UUID of a MIG slice, webgpu-NAME, cpu-0'),
    vendor: z.string(),
    name: z.string(),
    uuid: z.string().exactOptional(),
    vramMiB: whole,
    driver: z.string().exactOptional(),
    computeCapability: z.string().exactOptional(),
    pcie: z
      .strictObject({ gen: whole.nullable(), width: whole.nullable() })
      .exactOptional()
      .describe('what slot and GPU can do together'),
    mig: z
      .strictObject({ parent: z.string(), profile: z.string() })
      .exactOptional()
      .describe('only for a MIG slice: the GPU it is a part of'),
    foundBy: z
      .literal('webgpu')
      .exactOptional()
      .describe('only for a GPU that no tool of its vendor told of'),
    architecture: z.string().exactOptional().describe('as WebGPU tells it, e.g. rdna-2'),
    description: z.string().exactOptional().describe('its driver, as WebGPU tells it'),
    cores: whole.exactOptional(),
    temperatureC: figure('temperature'),
    powerW: figure('power drawn'),
    powerLimitW: figure('power limit in force'),
    utilizationPercent: figure('load'),
    memoryUsedMiB: figure('memory in use'),
    coreClockMHz: figure('clock of the cores'),
    memoryClockMHz: figure('clock of the memory'),
    eccErrors: figure('uncorrected memory errors'),
    lastError: z.string().nullable().describe('newest fault that the driver reported, e.g. Xid 79'),
    processes: z
      .array(z.strictObject({ pid: whole, memoryMiB: whole.nullable() }))
      .nullable()
      .describe(`programs that compute on it; ${untold}`),
    atMs: whole.describe('unix ms'),
    state: gpuState,
    reason: z.string().nullable().describe('why it is not ok'),
    proves: z.boolean().describe('whether it proves on the chosen network'),
    backend: z.enum(['cuda', 'webgpu', 'cpu']).nullable().describe('what proves it'),
    proofN: whole.nullable().describe('size of the matrices it proves with'),
    proofBytes: whole.nullable().describe('size of the fill it keeps'),
    provesNot: z.string().nullable().describe('why it does not prove, and what to do'),
    provesNotCode: z.string().nullable().describe("the reason's name, where it has one"),
    proofNotice: z
      .string()
      .nullable()
      .describe('what was asked for and its proofs do without, and why'),
  })
  .meta({ id: 'Gpu', description: 'A device of this machine with what its driver says of it now' })

/** Something that was looked at on this machine. */
export const finding = z
  .strictObject({
    check: z.string(),
    ok: z.boolean(),
    required: z.boolean().describe('whether its lack makes the exit code 1'),
    actual: z.string(),
    wanted: z.string(),
    remedy: z.string().nullable().describe('the next step; null where it is ok'),
  })
  .meta({ id: 'Finding', description: 'Something that was looked at on this machine' })

/** What limits do to one GPU now. */
export const limitedGpu = z.strictObject({
  id: z.string(),
  state: z.enum(['ok', 'lost', 'paused', 'unfit']),
  reason: z.string().nullable().describe('why it is not ok'),
  powerKeptBy: z
    .enum(['driver', 'pausing'])
    .nullable()
    .describe('who keeps the power limit; null without one'),
  unmeasured: z
    .array(z.enum(['maxTempC', 'maxPowerW', 'maxLoadPercent', 'workHours', 'pauseWhenUsed']))
    .describe('limits that cannot be kept here'),
})
export type LimitedGpu = z.infer<typeof limitedGpu>

/** The owner's limits, and what they do. */
export const gpuLimits = z
  .strictObject({
    maxTempC: whole.nullable(),
    maxPowerW: whole.nullable(),
    maxLoadPercent: whole.nullable().describe('share of the time'),
    workHours: z.array(z.string()).describe('in local time; none: always'),
    pauseWhenUsed: z.boolean(),
    gpus: z.array(limitedGpu),
  })
  .meta({ id: 'GpuLimits', description: "The owner's limits, and what they do" })
export type LimitsAnswer = z.infer<typeof gpuLimits>

/** Some of the limits; null and an empty list lift them. */
const limitsPatch = z
  .strictObject({
    maxTempC: z.int().min(30).max(120).nullable(),
    maxPowerW: z.int().min(1).max(10_000).nullable(),
    maxLoadPercent: z.int().min(1).max(100).nullable(),
    workHours: z.array(z.string().max(64)).max(32).describe('e.g. `mon-fri 22:00-06:00`'),
    pauseWhenUsed: z.boolean(),
  })
  .partial()

const miner = 'NOTHING_MATCHED on a node that is no miner.'

export const gpuRoutes = {
  listGpus: route({
    method: 'GET',
    path: '/v1/gpu',
    scope: 'read',
    kind: 'json',
    summary: "This node's devices and where they stand",
    description: miner,
    answer: listOf(gpu),
  }),
  getPreflight: route({
    method: 'GET',
    path: '/v1/gpu/preflight',
    scope: 'read',
    kind: 'json',
    summary: 'What was checked before the devices were announced, and what else a miner needs',
    description: miner,
    answer: listOf(finding),
  }),
  getGpuLimits: route({
    method: 'GET',
    path: '/v1/gpu/limits',
    scope: 'read',
    kind: 'json',
    summary: 'How far the devices may be used, and what that does now',
    description: miner,
    answer: gpuLimits,
  }),
  changeGpuLimits: route({
    method: 'PATCH',
    path: '/v1/gpu/limits',
    scope: 'operate',
    kind: 'json',
    summary: 'Changes how far the devices may be used, at once and after restarts',
    description: miner,
    body: limitsPatch,
    answer: gpuLimits,
  }),
}

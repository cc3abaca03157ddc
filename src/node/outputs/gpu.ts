import { z } from 'zod'
import { listOf, whole } from '../../api/common.ts'
import type { LimitsAnswer } from '../control/routes/gpus.ts'
import type { GpuRow } from '../gpu-rows.ts'
import { benchSchema } from './bench.ts'
import { checkSchema } from './machine.ts'
import type { Outputs } from './output.ts'
import { proveSchema, verifySchema } from './proof.ts'

const untold = 'null where the driver does not tell'

const figure = (what: string): z.ZodNullable<z.ZodNumber> =>
  z.number().nullable().describe(`${what}; ${untold}`)

const gpu: z.ZodType<GpuRow> = z.strictObject({
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
  state: z
    .enum(['ok', 'lost', 'paused', 'unfit'])
    .describe('of a running node: paused by its limits, unfit by its checks before announcing'),
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

const limits: z.ZodType<LimitsAnswer> = z.strictObject({
  maxTempC: whole.nullable(),
  maxPowerW: whole.nullable(),
  maxLoadPercent: whole.nullable().describe('share of the time'),
  workHours: z.array(z.string()).describe('in local time; none: always'),
  pauseWhenUsed: z.boolean(),
  gpus: z.array(
    z.strictObject({
      id: z.string(),
      state: z.enum(['ok', 'lost', 'paused', 'unfit']),
      reason: z.string().nullable().describe('why it is not ok'),
      powerKeptBy: z.enum(['driver', 'pausing']).nullable(),
      unmeasured: z
        .array(z.enum(['maxTempC', 'maxPowerW', 'maxLoadPercent', 'workHours', 'pauseWhenUsed']))
        .describe('limits that cannot be kept here'),
    }),
  ),
})

/** What `gpu` prints. */
export const gpuOutputs: Outputs = {
  'gpu list': { describe: 'a list', schema: listOf(gpu) },
  'gpu list --watch': { describe: 'one line per GPU and sample', schema: gpu },
  'gpu bench': { describe: 'what was measured', schema: benchSchema },
  'gpu preflight': { describe: 'a list', schema: listOf(checkSchema) },
  'gpu prove': { describe: 'what came of it', schema: proveSchema },
  'gpu limits': { describe: 'the limits, and what they do now', schema: limits },
  'gpu verify': { describe: 'what was found', schema: verifySchema },
}

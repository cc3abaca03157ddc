/**
 * Tensor cores through WebGPU: Dawn's experiment `chromium-experimental-subgroup-matrix`. It may change with every version
 * of Dawn, so nothing is proven with it before it made the same commitments as the kernel that is known to be right.
 */

import { equalBytes } from '../bytes.ts'
import { messageOf, NodeError } from '../errors.ts'
import type { Bytes } from './hash.ts'
import { type OpenAdapter, openAdapter } from './webgpu-adapters.ts'
import { WebgpuChain } from './webgpu-chain.ts'
import { WebgpuDevice } from './webgpu-device.ts'
import type { WebgpuLimits } from './webgpu-limits.ts'
import type { WebgpuModule } from './webgpu-module.ts'
import type { Gemm } from './wgsl/gemm.ts'
import {
  isUsableShape,
  type MatrixShape,
  SUBGROUP_BLOCK,
  type SubgroupPlan,
  subgroupGemmKernel,
} from './wgsl/gemm-subgroups.ts'

/** Without it Dawn hides experiments. */
export const EXPERIMENTS_FLAG = 'enable-dawn-features=allow_unsafe_apis'

const FEATURE = 'chromium-experimental-subgroup-matrix'
const FEATURES = [FEATURE, 'subgroups'] as const

/** What is compared: four blocks a side, and a step whose operand a step before it made. */
const CHECK_N = 256
const CHECK_STEPS = 2
const CHECK_SEED: Bytes = new Uint8Array(32).fill(0x5a)

/** What an adapter says of a product that it does at once (Dawn's `GPUSubgroupMatrixConfig`). */
export interface MatrixConfig extends MatrixShape {
  readonly componentType: string
  readonly resultComponentType: string
}

type Telling = GPUAdapterInfo & { readonly subgroupMatrixConfigs?: Iterable<MatrixConfig> }

/** The shape to use: of those of int8 with int32 sums that fit our blocks, the one that multiplies most at once. */
export const bestShape = (configs: readonly MatrixConfig[]): MatrixShape | undefined =>
  configs
    .filter(({ componentType, resultComponentType }) => {
      return componentType === 'i8' && resultComponentType === 'i32'
    })
    .filter(isUsableShape)
    .map(({ M, N, K }) => ({ M, N, K }))
    .toSorted((a, b) => b.M * b.N * b.K - a.M * a.N * a.K)[0]

/** e.g. `16×16×32`. */
export const shapeText = ({ M, N, K }: MatrixShape): string => `${M}×${N}×${K}`

/** How an adapter would multiply by subgroup matrices; GPU_UNSUPPORTED where it cannot. */
export function planSubgroups({
  adapter,
  name,
}: Pick<OpenAdapter, 'adapter' | 'name'>): SubgroupPlan {
  const info = adapter.info as Telling
  const unsupported = (what: string): NodeError =>
    new NodeError('GPU_UNSUPPORTED', `${name} ${what}`, { next: 'leave --subgroup-matrix out' })
  const missing = FEATURES.find((feature) => !adapter.features.has(feature))
  if (missing !== undefined) throw unsupported(`has no ${missing}`)
  const shape = bestShape([...(info.subgroupMatrixConfigs ?? [])])
  if (shape === undefined) throw unsupported('has no subgroup matrices of int8 that fit')
  return { ...shape, lanes: info.subgroupMaxSize }
}

/** The product of a plan. */
export const subgroupGemm = (plan: SubgroupPlan): Gemm => ({
  kernel: subgroupGemmKernel(plan),
  tile: SUBGROUP_BLOCK,
})

/** An open device, and the product by subgroup matrices that it has been checked with. */
export interface CheckedSubgroups {
  readonly device: WebgpuDevice
  readonly gemm: Gemm
  readonly shape: MatrixShape
}

/**
 * Opens an adapter with the experiment, and compares. The caller owns the device.
 * @throws GPU_UNSUPPORTED where it is not there, does not compile or gives other bytes; GPU_* where the device does not open
 */
export async function openWithSubgroups(
  webgpu: WebgpuModule,
  {
    adapter,
    limits,
    known,
  }: {
    readonly adapter?: string | undefined
    readonly limits?: Partial<WebgpuLimits> | undefined
    /** The product that is known to be right, for a device. */
    readonly known: (device: WebgpuDevice) => Gemm
  },
): Promise<CheckedSubgroups> {
  const opened = await openAdapter(webgpu, adapter, [EXPERIMENTS_FLAG])
  const plan = planSubgroups(opened)
  await using stack = new AsyncDisposableStack()
  const device = stack.use(await WebgpuDevice.open(opened, limits, FEATURES))
  const gemm = subgroupGemm(plan)
  await checkGemm(device, gemm, known(device))
  stack.move()
  return { device, gemm, shape: plan }
}

/**
 * Makes a small chain with a product and with one that is known to be right.
 * @throws GPU_UNSUPPORTED when the commitments differ, or the product does not compile or run
 */
export async function checkGemm(device: WebgpuDevice, gemm: Gemm, known: Gemm): Promise<void> {
  const expected = await commitments(device, known)
  const found = await commitments(device, gemm).catch((cause: unknown) => {
    throw unusable(device, gemm, `does not run: ${messageOf(cause)}`, cause)
  })
  const step = found.findIndex((root, t) => !equalBytes(root, expected[t]!))
  if (step >= 0) throw unusable(device, gemm, `makes other bytes in step ${step}`)
}

async function commitments(device: WebgpuDevice, gemm: Gemm): Promise<Bytes[]> {
  try {
    return await device.call(async () => {
      const chain = await WebgpuChain.create(device, CHECK_N, gemm)
      await chain.start(CHECK_SEED)
      const roots: Bytes[] = []
      while (roots.length < CHECK_STEPS) roots.push(await chain.next())
      return roots
    })
  } finally {
    device.releaseAll()
  }
}

const unusable = (
  device: WebgpuDevice,
  { kernel }: Gemm,
  why: string,
  cause?: unknown,
): NodeError =>
  new NodeError('GPU_UNSUPPORTED', `${device.name}: the kernel ${kernel.label} ${why}`, {
    cause,
    next: "leave --subgroup-matrix out, or update the GPU's driver",
  })

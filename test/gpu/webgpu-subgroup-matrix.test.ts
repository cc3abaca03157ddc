import { describe, expect, test } from 'vitest'
import { create } from 'webgpu'
import { requantize } from '../../src/gpu/gemm-chain.ts'
import { createWebgpuBackend } from '../../src/gpu/webgpu-backend.ts'
import { WebgpuDevice } from '../../src/gpu/webgpu-device.ts'
import { loadWebgpu } from '../../src/gpu/webgpu-module.ts'
import {
  bestShape,
  checkGemm,
  EXPERIMENTS_FLAG,
  openWithSubgroups,
  planSubgroups,
} from '../../src/gpu/webgpu-subgroup-matrix.ts'
import { gemmOf } from '../../src/gpu/wgsl/gemm.ts'
import {
  isUsableShape,
  SUBGROUP_BLOCK,
  type SubgroupPlan,
  subgroupGemmKernel,
  subgroupThreads,
} from '../../src/gpu/wgsl/gemm-subgroups.ts'
import { backendConformance } from '../support/backend-conformance.ts'
import { randomFrom } from '../support/random.ts'
import { deviceOrSkip } from '../support/skips.ts'
import { runSubgroupKernel } from '../support/subgroup-interpreter.ts'
import { noVulkan, softwareAdapter } from '../support/vulkan.ts'

const TIMEOUT_MS = 300_000
const int8 = { componentType: 'i8', resultComponentType: 'i32' }
const nvidia = { M: 16, N: 16, K: 32 }
const amd = { M: 16, N: 16, K: 16 }
const intel = { M: 8, N: 16, K: 32 }
const mesa = { M: 8, N: 8, K: 8 }
const plain = gemmOf({ sharing: 'direct', product: 'i32' })

/** Whether the software adapter of these tests has subgroup matrices: Mesa's does from version 25.2 on. */
async function softwareMultiplies(): Promise<boolean> {
  if (noVulkan) return false
  const webgpu = await loadWebgpu()
  try {
    const { device } = await openWithSubgroups(webgpu, { known: () => plain })
    await device[Symbol.asyncDispose]()
    return true
  } catch {
    return false // the tests above say what is missing
  }
}

const multiplies = await softwareMultiplies()

describe('what an adapter multiplies at once', () => {
  test('the largest shape of int8 with int32 sums that fits our blocks', () => {
    const half = { ...nvidia, componentType: 'f16', resultComponentType: 'f32' }
    expect(bestShape([half, { ...int8, ...amd }, { ...int8, ...nvidia }])).toEqual(nvidia)
    expect(bestShape([half, { ...int8, M: 12, N: 8, K: 8 }])).toBeUndefined()
    expect(bestShape([])).toBeUndefined()
  })

  test.each([
    [nvidia, true],
    [intel, true],
    [mesa, true],
    [{ M: 64, N: 8, K: 8 }, false],
    [{ M: 8, N: 8, K: 48 }, false],
    [{ M: 8, N: 8, K: 2 }, false],
  ])('%j fits our blocks: %s', (shape, fits) => {
    expect(isUsableShape(shape)).toBe(fits)
  })

  test.each([
    [8, 32],
    [32, 128],
    [64, 256],
    [128, 256],
    [256, 256],
  ])('subgroups of up to %i threads: workgroups of %i', (lanes, threads) => {
    expect(subgroupThreads({ lanes })).toBe(threads)
    expect(threads % lanes).toBe(0)
  })

  test.each([
    ['without the feature', ['subgroups'], [{ ...int8, ...nvidia }], 'subgroup-matrix'],
    ['without subgroups', ['chromium-experimental-subgroup-matrix'], [], 'no subgroups'],
    [
      'of floats alone',
      ['subgroups', 'chromium-experimental-subgroup-matrix'],
      [{ ...nvidia, componentType: 'f16', resultComponentType: 'f32' }],
      'no subgroup matrices of int8',
    ],
  ])('an adapter %s is refused', (_, features, subgroupMatrixConfigs, words) => {
    const info = { subgroupMatrixConfigs, subgroupMaxSize: 32 }
    const adapter = { features: new Set(features), info } as unknown as GPUAdapter
    const refused = () => planSubgroups({ adapter, name: 'Some GPU' })
    expect(refused).toThrow(expect.objectContaining({ code: 'GPU_UNSUPPORTED' }))
    expect(refused).toThrow(words)
  })
})

/** The kernel's own text, run by an interpreter of it: index by index what a device would do. */
describe('the mathematics of its indexes', () => {
  test.each<[SubgroupPlan, subgroups: number, n: number]>([
    [{ ...nvidia, lanes: 32 }, 4, 128],
    [{ ...amd, lanes: 64 }, 4, 128],
    // A driver may make more subgroups of a workgroup than expected, or fewer.
    [{ ...intel, lanes: 32 }, 8, 128],
    [{ ...mesa, lanes: 8 }, 3, 128],
    [{ ...nvidia, lanes: 128 }, 1, 256],
  ])('%j in %i subgroups, n = %i', (plan, subgroups, n) => {
    const random = randomFrom(n + subgroups)
    const matrix = () => Int8Array.from({ length: n * n }, () => Math.floor(256 * random()) - 128)
    const [c, x] = [matrix(), matrix()]
    const groups = n / SUBGROUP_BLOCK
    const result = runSubgroupKernel(subgroupGemmKernel(plan), plan, { c, x, n, subgroups, groups })
    const expected = Uint8Array.from({ length: n * n }, (_, at) => {
      const [j, i] = [Math.floor(at / n), at % n]
      let sum = 0
      for (let k = 0; k < n; k++) sum += c[j * n + k]! * x[i * n + k]!
      return requantize(sum) & 0xff
    })
    expect(Buffer.from(result.buffer).equals(expected)).toBe(true)
  })
})

/** Dawn's null backend has the feature, compiles like any other, and runs nothing. */
describe("Dawn's compiler", () => {
  const compile = async (code: string): Promise<string | undefined> => {
    const gpu = create(['backend=null', EXPERIMENTS_FLAG])
    const adapter = await gpu.requestAdapter()
    const requiredFeatures = [
      'subgroups',
      'chromium-experimental-subgroup-matrix',
    ] as GPUFeatureName[]
    const device = await adapter!.requestDevice({ requiredFeatures })
    device.pushErrorScope('validation')
    const module = device.createShaderModule({ code })
    const failure = await device
      .createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } })
      .then(
        () => undefined,
        (error: unknown) => String(error),
      )
    const scoped = await device.popErrorScope()
    device.destroy()
    return scoped?.message ?? failure
  }

  test.each([nvidia, amd, intel, mesa])('takes the kernel of %j', async (shape) => {
    const { code } = subgroupGemmKernel({ ...shape, lanes: 128 })
    expect(await compile(code)).toBeUndefined()
    expect(await compile(code.replace('let c0 =', 'let c9 ='))).toContain('unresolved')
  })
})

describe.skipIf(noVulkan)('before it is used', { timeout: TIMEOUT_MS }, () => {
  const { code } = plain.kernel

  test('the same bytes pass, others and a kernel that does not compile are refused', async () => {
    await using device = await WebgpuDevice.open(await softwareAdapter())
    const check = (text: string): Promise<void> =>
      checkGemm(device, { ...plain, kernel: { label: 'another', code: text } }, plain)
    await check(code.replace('var s0_0 = 0;', 'var s0_0 = 1 - 1;'))
    await expect(check(code.replace('var s0_0 = 0;', 'var s0_0 = 1;'))).rejects.toMatchObject({
      code: 'GPU_UNSUPPORTED',
      message: expect.stringContaining('makes other bytes in step 0'),
    })
    await expect(check(code.replace('var s0_0 = 0;', ''))).rejects.toMatchObject({
      code: 'GPU_UNSUPPORTED',
      message: expect.stringMatching(/does not run: .*unresolved/s),
    })
  })

  test.skipIf(multiplies)(
    'where it cannot be used, a backend says so and proves without',
    async () => {
      await using backend = await createWebgpuBackend({ subgroupMatrix: true })
      expect(backend.kernel).toMatch(/^gemm direct/)
      expect(backend.notice).toContain('has no chromium-experimental-subgroup-matrix')
    },
  )
})

const what = 'an adapter with subgroup matrices of int8 (CN_VULKAN_DRIVER)'
describe.skipIf(!deviceOrSkip(multiplies, what))('where it can be used', () => {
  test('it is what multiplies', async () => {
    await using backend = await createWebgpuBackend({ subgroupMatrix: true })
    expect(backend.kernel).toMatch(/^gemm subgroup matrix/)
    expect(backend.notice).toBeUndefined()
  })

  backendConformance('by subgroup matrices', () => createWebgpuBackend({ subgroupMatrix: true }))
})

import { delimiter, dirname } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { NodeError } from '../../src/errors.ts'
import type { CudaDeviceFacts } from '../../src/gpu/cuda/devices.ts'
import { type Gpu, NO_FIGURES } from '../../src/gpu/gpu.ts'
import { cpuDevice } from '../../src/gpu/inventory.ts'
import { planProofs } from '../../src/gpu/plan-proofs.ts'
import { probeCudaDevices } from '../../src/gpu/probe-cuda.ts'
import type { WebgpuAdapter } from '../../src/gpu/webgpu-adapters.ts'
import { MiB } from '../../src/units.ts'
import { buildMockCuda, hasCompiler } from '../support/mock-cuda.ts'
import { requireOrSkip } from '../support/skips.ts'

const nvidia: Gpu = {
  id: 'pci-1',
  vendor: 'nvidia',
  name: 'NVIDIA H100 80GB HBM3',
  uuid: 'GPU-00010203-0405-0607-0809-0a0b0c0d0e0f',
  vramMiB: 81_559,
  computeCapability: '9.0',
}
const amd: Gpu = { id: 'pci-2', vendor: 'amd', name: 'Radeon RX 6800', vramMiB: 16_368 }
const radeon: WebgpuAdapter = {
  name: 'AMD Radeon RX 6800 (RADV NAVI21)',
  driver: 'vulkan',
  vendor: 'amd',
  architecture: '',
  description: '',
  isSoftware: false,
  count: 1,
  maxBufferBytes: 2 ** 31,
  maxBindingBytes: 64 * MiB,
}
const at = (gpu: Gpu, memoryUsedMiB: number | null = 0) => ({
  gpu,
  figures: { ...NO_FIGURES, memoryUsedMiB },
})
const cuda = [{ uuid: nvidia.uuid!, computeCapability: '9.0' } as CudaDeviceFacts]

test('each device with what suits it, in sizes that fit', async () => {
  const plans = await planProofs([at(nvidia, 500), at(amd, 1000)], {
    choice: 'auto',
    network: 'finney',
    askCuda: async () => cuda,
    askWebgpu: async () => [radeon],
  })
  expect(plans.get('pci-1')).toMatchObject({
    device: { backend: 'cuda', uuid: nvidia.uuid },
    sizes: { n: 16_384 },
  })
  // A matrix of n = 8192 has 64 MiB, and that is the largest binding.
  expect(plans.get('pci-2')).toMatchObject({
    device: { backend: 'webgpu', adapter: radeon.name },
    sizes: { n: 8192 },
  })
})

test('drivers are asked only where it matters', async () => {
  const [askCuda, askWebgpu] = [vi.fn(async () => cuda), vi.fn(async () => [radeon])]
  const options = { choice: 'auto', network: 'local', askCuda, askWebgpu } as const
  expect((await planProofs([at(cpuDevice())], options)).get('cpu-0')).toMatchObject({
    device: { backend: 'cpu' },
  })
  expect([askCuda, askWebgpu].map(({ mock }) => mock.calls.length)).toEqual([0, 0])
  await planProofs([at(nvidia)], options)
  expect([askCuda, askWebgpu].map(({ mock }) => mock.calls.length)).toEqual([1, 0])
  await planProofs([at(amd)], options)
  expect([askCuda, askWebgpu].map(({ mock }) => mock.calls.length)).toEqual([1, 1])
})

test('a driver that fails, and memory that is taken, are reasons', async () => {
  const askCuda = async () => {
    throw new NodeError('GPU_DRIVER', 'libcuda crashed', { next: 'restart' })
  }
  const options = { choice: 'auto', network: 'finney', askWebgpu: async () => [radeon] } as const
  const plans = await planProofs([at(nvidia), at(amd, 16_000)], { ...options, askCuda })
  expect(plans.get('pci-1')).toMatchObject({
    refusal: expect.stringMatching(/cuda: libcuda crashed; webgpu: no adapter is NVIDIA/),
    next: 'restart',
  })
  expect(plans.get('pci-2')).toMatchObject({
    refusal: 'webgpu: 16368 MiB, of which 16000 are in use, are too little to prove with',
  })
})

test('GPUs of one name are asked one by one, in processes that are held to their address', async () => {
  const pair = ['pci-0000:03:00.0', 'pci-0000:04:00.0'].map((id) => at({ ...amd, id }))
  const askWebgpu = vi.fn(async (question: { pci?: string } = {}) => {
    if (question.pci === '0000:04:00.0') throw new NodeError('GPU_NOT_PINNED', 'not that one')
    return [question.pci === undefined ? { ...radeon, count: 2 } : radeon]
  })
  const plans = await planProofs(pair, { choice: 'auto', network: 'finney', askWebgpu })
  expect(askWebgpu.mock.calls.map(([question]) => question?.pci)).toEqual([
    undefined,
    '0000:03:00.0',
    '0000:04:00.0',
  ])
  expect(plans.get('pci-0000:03:00.0')).toMatchObject({ device: { pci: '0000:03:00.0' } })
  expect(plans.get('pci-0000:04:00.0')).toMatchObject({ code: 'GPU_NOT_PINNED' })
})

test('what was asked for and is not done is told; memory that nobody tells is tried', async () => {
  const subgroupMatrix = { refusal: 'the kernel makes other bytes' }
  const untold = { ...amd, vramMiB: 0, foundBy: 'webgpu' } as const
  const askWebgpu = vi.fn(async () => [{ ...radeon, subgroupMatrix }])
  const options = { choice: 'auto', network: 'finney', askWebgpu, subgroupMatrix: true } as const
  const plan = (await planProofs([at(untold, null)], options)).get(amd.id)
  expect(askWebgpu).toHaveBeenCalledWith({ subgroupMatrix: true })
  expect(plan).toMatchObject({ notice: subgroupMatrix.refusal })
  if (plan === undefined || 'refusal' in plan) throw new Error('it has no plan')
  expect(plan.device).not.toHaveProperty('subgroupMatrix')
  expect(plan.sizes.bytes).toBeGreaterThan(512 * MiB)
  expect(plan.sizes.bytes).toBeLessThan(radeon.maxBufferBytes)
})

describe('libcuda in a process of its own', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('one that crashes takes nobody along', async () => {
    const module = new URL('../support/crashing-probe.ts', import.meta.url)
    await expect(probeCudaDevices({ module })).rejects.toMatchObject({ code: 'GPU_DRIVER' })
  })

  test.skipIf(!requireOrSkip(hasCompiler(), 'g++, which plays the GPU'))(
    'what it lists comes back',
    { timeout: 240_000 },
    async () => {
      const { LD_LIBRARY_PATH = '' } = process.env
      vi.stubEnv('LD_LIBRARY_PATH', [dirname(buildMockCuda()), LD_LIBRARY_PATH].join(delimiter))
      expect(await probeCudaDevices()).toMatchObject([
        { uuid: nvidia.uuid, computeCapability: '9.0' },
      ])
    },
  )
})

import { dirname } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { linkOf, measureLink } from '../../src/gpu/measure-link.ts'
import { listWebgpuAdapters } from '../../src/gpu/webgpu-adapters.ts'
import { buildMockCuda, hasCompiler, loadMockCuda } from '../support/mock-cuda.ts'
import { requireOrSkip } from '../support/skips.ts'
import { noVulkan } from '../support/vulkan.ts'

afterEach(() => vi.unstubAllEnvs())
const device = { backend: 'cuda', uuid: 'GPU-00010203-0405-0607-0809-0a0b0c0d0e0f' } as const

test('a processor has no link', async () => {
  expect(await measureLink({ backend: 'cpu' })).toBeNull()
})

describe.skipIf(!requireOrSkip(hasCompiler(), 'g++, which plays the GPU'))('by CUDA', () => {
  test('from pinned memory, and nothing is kept', { timeout: 240_000 }, async () => {
    const library = buildMockCuda()
    const mock = loadMockCuda(library)
    mock.reset()
    expect(await linkOf(device, library)).toBeGreaterThan(0)
    expect(mock.held()).toBe(0)
  })

  test('without room on the device nothing is kept either', async () => {
    const library = buildMockCuda()
    const mock = loadMockCuda(library)
    mock.reset()
    mock.device({ memoryBytes: 2 ** 20 })
    await expect(linkOf(device, library)).rejects.toMatchObject({ code: 'GPU_OUT_OF_MEMORY' })
    expect(mock.held()).toBe(0)
  })

  test('in a process of its own', async () => {
    vi.stubEnv('LD_LIBRARY_PATH', dirname(buildMockCuda()))
    expect(await measureLink(device)).toBeGreaterThan(0)
  })
})

describe.skipIf(noVulkan)('by WebGPU', () => {
  test('with the copy that it makes', { timeout: 120_000 }, async () => {
    const [adapter] = await listWebgpuAdapters()
    expect(await measureLink({ backend: 'webgpu', adapter: adapter!.name })).toBeGreaterThan(0)
  })

  test('an adapter that is not there is told of', async () => {
    const none = measureLink({ backend: 'webgpu', adapter: 'Voodoo 2' })
    await expect(none).rejects.toMatchObject({ code: 'GPU_NOT_FOUND' })
  })
})

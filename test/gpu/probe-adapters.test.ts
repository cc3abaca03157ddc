import { describe, expect, test } from 'vitest'
import { probeWebgpuAdapters } from '../../src/gpu/probe-adapters.ts'
import { listWebgpuAdapters } from '../../src/gpu/webgpu-adapters.ts'
import { noVulkan } from '../support/vulkan.ts'

test('a driver that crashes is GPU_DRIVER, and takes nobody along', async () => {
  const module = new URL('../support/crashing-probe.ts', import.meta.url)
  await expect(probeWebgpuAdapters({ module })).rejects.toMatchObject({
    code: 'GPU_DRIVER',
    message: expect.stringContaining('SIGSEGV'),
  })
})

test('a driver that hangs is given up', async () => {
  const module = new URL('../support/hanging-probe.ts', import.meta.url)
  await expect(probeWebgpuAdapters({ module, timeoutMs: 300 })).rejects.toMatchObject({
    code: 'GPU_DRIVER',
    message: expect.stringContaining('SIGKILL'),
  })
})

describe.skipIf(noVulkan)('with real Dawn', () => {
  test('it says the same as in this process', async () => {
    expect(await probeWebgpuAdapters()).toEqual(await listWebgpuAdapters())
  })
})

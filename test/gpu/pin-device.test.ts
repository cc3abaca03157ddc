import { expect, test } from 'vitest'
import { describeAdapters } from '../../src/gpu/describe-adapters.ts'
import { deviceEnv, pinEnv, pinOf } from '../../src/gpu/pin-device.ts'
import { probeWebgpuAdapters } from '../../src/gpu/probe-adapters.ts'
import { noVulkan } from '../support/vulkan.ts'

const pci = '0000:03:00.0'

test.skipIf(process.platform !== 'linux').each([
  ['amd', `pci-${pci}`, pci],
  ['intel', `pci-${pci}`, pci],
  ['nvidia', `pci-${pci}`, undefined],
  ['amd', 'webgpu-radeon-rx-6800', undefined],
  ['apple', 'display-0', undefined],
])('a process may be held to a GPU of %s at %s: %s', (vendor, id, address) => {
  expect(pinOf({ vendor, id })).toBe(address)
})

test('what a process is told: an address where it is held to one, else nothing', () => {
  const env = { DRI_PRIME: 'pci-0000_03_00_0', MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE: '1' }
  expect(pinEnv(pci)).toEqual(env)
  expect(deviceEnv({ backend: 'webgpu', adapter: 'Radeon', pci })).toEqual(env)
  expect(deviceEnv({ backend: 'webgpu', adapter: 'Radeon' })).toEqual({})
  expect(deviceEnv({ backend: 'cuda', uuid: 'MIG-1' })).toEqual({ CUDA_VISIBLE_DEVICES: 'MIG-1' })
  expect(deviceEnv({ backend: 'cuda', uuid: 'GPU-1' })).toEqual({})
})

test.skipIf(noVulkan)('software is no GPU to be held to', { timeout: 120_000 }, async () => {
  const refused = { code: 'GPU_NOT_PINNED', message: expect.stringContaining('is not seen') }
  await expect(describeAdapters({ pci })).rejects.toMatchObject(refused)
  await expect(probeWebgpuAdapters({ pci })).rejects.toMatchObject(refused)
})

test.skipIf(noVulkan)(
  'whether an adapter multiplies by subgroup matrices is asked in a process',
  {
    timeout: 120_000,
  },
  async () => {
    const [software] = await probeWebgpuAdapters({ subgroupMatrix: true })
    const { subgroupMatrix } = software!
    // SwiftShader does not, Mesa's from version 25.2 on does.
    expect(Object.keys(subgroupMatrix!)).toEqual([
      software!.name.startsWith('SwiftShader') ? 'refusal' : 'shape',
    ])
  },
)

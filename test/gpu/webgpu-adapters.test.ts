import { describe, expect, test } from 'vitest'
import {
  isSoftwareName,
  listWebgpuAdapters,
  openAdapter,
  parseAdapterNames,
  softwareRefusal,
} from '../../src/gpu/webgpu-adapters.ts'
import { createWebgpuBackend } from '../../src/gpu/webgpu-backend.ts'
import { loadWebgpu, type WebgpuModule } from '../../src/gpu/webgpu-module.ts'
import { noVulkan } from '../support/vulkan.ts'

test('names in the answer of Dawn, as it writes them', () => {
  const answer = `no suitable backends found
Available adapters:
 * backend: 'vulkan', name: 'NVIDIA GeForce RTX 4090'
 * backend: 'vulkan', name: 'llvmpipe (LLVM 15.0.6, 256 bits)'
 * backend: 'vulkan', name: 'It's one'`
  expect(parseAdapterNames(answer).map(({ name }) => name)).toEqual([
    'NVIDIA GeForce RTX 4090',
    'llvmpipe (LLVM 15.0.6, 256 bits)',
    "It's one",
  ])
  expect(parseAdapterNames('no suitable backends found')).toEqual([])
})

test.each([
  ['SwiftShader Device (Subzero)', true],
  ['llvmpipe (LLVM 15.0.6, 256 bits)', true],
  ['Microsoft Basic Render Driver', true],
  ['NVIDIA H100 80GB HBM3', false],
  ['AMD Radeon RX 7900 XTX (RADV NAVI31)', false],
  ['Intel(R) Arc(tm) A770 Graphics (DG2)', false],
  ['Apple M3 Max', false],
])('%s is software: %s', (name, isSoftware) => {
  expect(isSoftwareName(name)).toBe(isSoftware)
})

test.each([
  [true, false, 'GPU_SOFTWARE'],
  [true, true, undefined],
  [false, false, undefined],
  [false, true, undefined],
])('software %s on a local network %s: %s', (isSoftware, isLocal, code) => {
  expect(softwareRefusal({ device: 'a device', isSoftware }, isLocal)?.code).toBe(code)
})

test('without the package it says what is missing and what to do', async () => {
  const load = () => import('a-package-that-is-not-installed' as 'webgpu')
  await expect(loadWebgpu(load)).rejects.toMatchObject({
    code: 'GPU_BACKEND_MISSING',
    message: expect.stringContaining('a-package-that-is-not-installed'),
    next: expect.stringContaining('npm install'),
  })
})

/** Dawn on a machine with adapters of these names, as far as choosing goes. */
function dawnWith(names: readonly string[]): WebgpuModule {
  const listed = names.map((name) => `\n * backend: 'vulkan', name: '${name}'`).join('')
  return {
    create: ([flag = '']) =>
      ({
        async requestAdapter() {
          const part = flag.slice('adapter='.length)
          const name = names.find((each) => each.includes(part))
          if (names.length === 0) return null
          if (name === undefined) throw new Error(`none\nAvailable adapters:${listed}`)
          const device = name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
          return { info: { device, isFallbackAdapter: false }, limits: {} }
        },
      }) as unknown as GPU,
  }
}

describe('choosing', () => {
  test('the first real GPU, unless a name is given', async () => {
    const dawn = dawnWith(['llvmpipe', 'Some GPU', 'Another GPU'])
    expect(await openAdapter(dawn)).toMatchObject({ name: 'Some GPU', isSoftware: false })
    expect(await openAdapter(dawn, 'Another GPU')).toMatchObject({ name: 'Another GPU' })
    expect(await openAdapter(dawn, 'llvmpipe')).toMatchObject({ isSoftware: true })
    expect(await openAdapter(dawnWith(['llvmpipe']))).toMatchObject({ isSoftware: true })
  })

  test('a name is meant as a whole: Dawn takes the first that contains it', async () => {
    const dawn = dawnWith(['RTX 4090 D', 'RTX 4090'])
    await expect(openAdapter(dawn, 'RTX')).rejects.toMatchObject({ code: 'GPU_NOT_FOUND' })
    await expect(openAdapter(dawn, 'RTX 4090')).rejects.toMatchObject({
      code: 'GPU_NOT_FOUND',
      message: expect.stringContaining('another adapter'),
    })
  })

  test('no adapter at all is GPU_NOT_FOUND, and says what to install', async () => {
    await expect(openAdapter(dawnWith([]))).rejects.toMatchObject({
      code: 'GPU_NOT_FOUND',
      next: expect.stringContaining('driver'),
    })
  })
})

describe.skipIf(noVulkan)('real Dawn with SwiftShader', () => {
  test('is listed with its limits', async () => {
    const [found, ...others] = await listWebgpuAdapters()
    expect(others).toEqual([])
    expect(found).toMatchObject({ driver: 'vulkan', vendor: 'google', isSoftware: true, count: 1 })
    expect(found!.maxBindingBytes).toBeGreaterThanOrEqual(128 * 1024 * 1024)
    expect(found!.maxBufferBytes).toBeGreaterThanOrEqual(found!.maxBindingBytes)
  })

  test('a name that is not there names those that are', async () => {
    await expect(createWebgpuBackend({ adapter: 'GeForce 256' })).rejects.toMatchObject({
      code: 'GPU_NOT_FOUND',
      message: expect.stringContaining('SwiftShader'),
    })
  })
})

import { describe, expect, test } from 'vitest'
import { NodeError } from '../../../src/errors.ts'
import type { WebgpuAdapter } from '../../../src/gpu/webgpu-adapters.ts'
import { checkWebgpu } from '../../../src/node/doctor/check-webgpu.ts'
import { noVulkan } from '../../support/vulkan.ts'

const adapter = (name: string, isSoftware: boolean, count = 1): WebgpuAdapter => ({
  name,
  driver: 'vulkan',
  vendor: '',
  architecture: '',
  description: '',
  isSoftware,
  count,
  maxBufferBytes: 2 ** 30,
  maxBindingBytes: 2 ** 30,
})
const gpu = adapter('Radeon', false, 2)
const software = adapter('llvmpipe', true)

test.each([
  [[gpu, software], true, '2 × Radeon'],
  [[software], false, 'no GPU; llvmpipe, for local networks alone'],
  [[], false, 'no GPU'],
])('adapters %#', async (adapters, ok, actual) => {
  expect(await checkWebgpu(async () => adapters)).toMatchObject({ ok, actual, required: false })
})

test('without the package it says what to do', async () => {
  const next = 'npm install --include=optional'
  const missing = new NodeError('GPU_BACKEND_MISSING', 'the package is missing', { next })
  const found = await checkWebgpu(() => Promise.reject(missing))
  expect(found).toMatchObject({ ok: false, actual: 'the package is missing', remedy: next })
})

describe.skipIf(noVulkan)('with real Dawn', () => {
  test('SwiftShader is no GPU', async () => {
    expect(await checkWebgpu()).toMatchObject({
      ok: false,
      actual: expect.stringContaining('SwiftShader'),
    })
  })
})

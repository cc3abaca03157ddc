import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { concat } from '../../src/bytes.ts'
import { hashRow } from '../../src/gpu/gemm-chain.ts'
import { PAGE_BYTES } from '../../src/gpu/kernels.ts'
import { merkleLevels, merklePath, rootOf } from '../../src/gpu/merkle.ts'
import { WebgpuDevice } from '../../src/gpu/webgpu-device.ts'
import { fillParameters } from '../../src/gpu/webgpu-fill.ts'
import { WebgpuTree } from '../../src/gpu/webgpu-tree.ts'
import { digestKernel } from '../../src/gpu/wgsl/digest.ts'
import { fillKernel } from '../../src/gpu/wgsl/fill.ts'
import { randomFrom } from '../support/random.ts'
import { referenceDigest, referencePage } from '../support/residency-reference.ts'
import { noVulkan, softwareAdapter } from '../support/vulkan.ts'

const random = randomFrom(7)
const randomBytes = (length: number): Uint8Array =>
  Uint8Array.from({ length }, () => Math.floor(256 * random()))
const seed = randomBytes(32)

/** SwiftShader compiles hashing for half a second, on a busy machine for many. */
const TIMEOUT_MS = 300_000

describe.skipIf(noVulkan)('a device', { timeout: TIMEOUT_MS }, () => {
  let raw: () => GPUDevice
  let device: WebgpuDevice
  beforeEach(async () => {
    const adapter = await softwareAdapter()
    raw = adapter.device
    device = await WebgpuDevice.open(adapter)
  })
  afterEach(() => device[Symbol.asyncDispose]())

  test('a kernel with a mistake is GPU_INVALID with its place; the device goes on', async () => {
    const kernel = { label: 'broken', code: '@compute @workgroup_size(1) fn main() { let x = y; }' }
    const broken = device.call(() => device.job(kernel, [], [1, 1]))
    await expect(broken).rejects.toMatchObject({
      code: 'GPU_INVALID',
      message: expect.stringMatching(/SwiftShader.*unresolved value 'y'/s),
    })
    expect(await device.call(async () => 7)).toBe(7)
  })

  test('a kernel that the device cannot have is GPU_INVALID, each time it is asked for', async () => {
    const code = '@compute @workgroup_size(65535) fn main() {}'
    for (let again = 0; again < 2; again++) {
      const large = device.call(() => device.job({ label: 'large', code }, [], [1, 1]))
      await expect(large).rejects.toMatchObject({
        code: 'GPU_INVALID',
        message: expect.stringContaining('65535'),
      })
    }
  })

  test('a dispatch that cannot be is GPU_INVALID, although nothing throws by itself', async () => {
    const far = device.call(async () => {
      const buffer = await device.allocate(1024)
      const parameters = device.uniforms([fillParameters(seed, 0, 1)])
      device.submit([await device.job(fillKernel, [parameters, buffer], [65_536, 1])])
      await device.finish()
    })
    await expect(far).rejects.toMatchObject({ code: 'GPU_INVALID' })
  })

  test('what goes wrong outside of any call is an error of the next one, once', async () => {
    raw().createBuffer({ size: 16, usage: 0xffff })
    await expect(device.call(() => device.finish())).rejects.toMatchObject({ code: 'GPU_INVALID' })
    await device.call(() => device.finish())
  })

  test('what a call throws comes through', async () => {
    const failed = device.call(async () => {
      throw new RangeError('ours')
    })
    await expect(failed).rejects.toThrow(new RangeError('ours'))
  })

  test('too much memory is GPU_MEMORY with its size; the device goes on', async () => {
    // SwiftShader says that buffers may have a GiB, and has a bit less.
    const much = device.call(() => device.allocate(2 ** 30))
    await expect(much).rejects.toMatchObject({
      code: 'GPU_MEMORY',
      message: expect.stringContaining('1024.0 MiB'),
      details: { bytes: 2 ** 30, held: 0 },
    })
    await device.call(() => device.allocate(2 ** 20))
  })

  test('a device lost in the middle of a call is GPU_LOST, and stays lost', async () => {
    const buffer = await device.call(() => device.allocate(1024))
    const reading = device.call(() => device.read([{ buffer, at: 0, bytes: 1024 }]))
    raw().destroy()
    await expect(reading).rejects.toMatchObject({ code: 'GPU_LOST' })
    await expect(device.call(async () => 7)).rejects.toMatchObject({ code: 'GPU_LOST' })
  })

  test('pages beyond 256 GiB: the block number carries into the nonce', async () => {
    const pages = [2 ** 26 - 1, 2 ** 26] // of 64 blocks each: the last before 2³², the first after
    const bytes = pages.length * PAGE_BYTES
    const [filled, digests] = await device.call(async () => {
      const words = await device.allocate(bytes)
      const sums = await device.allocate(8 * pages.length)
      const parameters = device.uniforms([fillParameters(seed, pages[0]! * 64, 2)])
      const key = device.uniforms([new Uint32Array(seed.slice().buffer)])
      const first = device.uniforms([Uint32Array.of(pages[0]!)])
      device.submit([
        await device.job(fillKernel, [parameters, words], [pages.length, 1]),
        await device.job(digestKernel, [key, first, words, sums], [pages.length, 1]),
      ])
      return [
        await device.read([{ buffer: words, at: 0, bytes }]),
        await device.read([{ buffer: sums, at: 0, bytes: 8 * pages.length }]),
      ]
    })
    const expected = pages.map((page) => referencePage(seed, page, 2))
    expect(filled).toEqual(concat(expected.map((words) => new Uint8Array(words.buffer))))
    const sums = expected.map((words, i) => referenceDigest(words, seed, pages[i]!))
    expect(digests).toEqual(concat(sums))
  })

  test.each([
    [128, 128],
    [2048, 64],
  ])('a tree over rows of %i bytes, in chunks where they are long', async (n, rows) => {
    const data = randomBytes(n * rows)
    const leafBytes = Math.min(n, 1024)
    const leaves = data.length / leafBytes
    const [root, path] = await device.call(async () => {
      const buffer = await device.allocate(data.length)
      device.write(buffer, new Uint32Array(data.slice().buffer))
      const tree = await WebgpuTree.create(device, leaves, leafBytes, [[{ buffer, leaves }]])
      device.submit(tree.jobs[0]!)
      return [await device.read([tree.root()]), await device.read(tree.path(rows - 2, rows))]
    })
    const row = (_: unknown, j: number): Uint8Array => data.subarray(j * n, (j + 1) * n)
    const levels = merkleLevels(Array.from({ length: rows }, row).map(hashRow))
    expect(root).toEqual(rootOf(levels))
    expect(path).toEqual(concat(merklePath(levels, rows - 2)))
  })
})

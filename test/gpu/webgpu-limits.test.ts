import { describe, expect, test } from 'vitest'
import { FILL_UNIT_BYTES } from '../../src/gpu/resident-fill.ts'
import { listWorkgroups } from '../../src/gpu/webgpu-job.ts'
import {
  checkSizes,
  chooseGemm,
  cut,
  largestN,
  rowsPerDispatch,
  shardSizes,
  webgpuLimits,
} from '../../src/gpu/webgpu-limits.ts'
import { GiB, MiB } from '../../src/units.ts'

/** What lavapipe allows, and what many GPUs do. */
const small = webgpuLimits({
  maxBufferSize: GiB,
  maxStorageBufferBindingSize: 128 * MiB,
  maxStorageBuffersPerShaderStage: 8,
})
const large = webgpuLimits({
  maxBufferSize: 4 * GiB,
  maxStorageBufferBindingSize: 2 * GiB,
  maxStorageBuffersPerShaderStage: 10,
})
const whole = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0)

test('the smaller of two limits says how large a matrix may be', () => {
  expect(largestN(small)).toBe(8192)
  expect(largestN(large)).toBe(32_768)
})

describe('sizes', () => {
  test.each([
    [8192, FILL_UNIT_BYTES],
    [128, 3 * FILL_UNIT_BYTES],
    [256, 100 * GiB],
  ])('n = %i with %i bytes can be', (n, bytes) => {
    expect(() => checkSizes({ n, bytes }, small, 'a GPU')).not.toThrow()
  })

  test.each([16_384, 64, 300, 0, -256, 256.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'n = %d is GPU_LIMIT, which names the largest',
    (n) => {
      const check = () => checkSizes({ n, bytes: FILL_UNIT_BYTES }, small, 'a GPU')
      expect(check).toThrow(
        expect.objectContaining({ code: 'GPU_LIMIT', message: expect.stringContaining('8192') }),
      )
    },
  )

  test.each([0, 4096, FILL_UNIT_BYTES + 4096, -FILL_UNIT_BYTES, Number.NaN, 2 ** 45])(
    'a fill of %d bytes is GPU_LIMIT',
    (bytes) => {
      const check = () => checkSizes({ n: 256, bytes }, small, 'a GPU')
      expect(check).toThrow(expect.objectContaining({ code: 'GPU_LIMIT' }))
    },
  )
})

test.each([
  [small, FILL_UNIT_BYTES],
  [small, 128 * MiB],
  [small, 129 * MiB],
  [large, 72 * GiB],
  [{ ...small, storageBytes: FILL_UNIT_BYTES + 5000 }, 3 * FILL_UNIT_BYTES],
])('shards are whole units that fit, and all of the fill (%#)', (limits, bytes) => {
  const sizes = shardSizes(bytes, limits)
  expect(whole(sizes)).toBe(bytes)
  for (const size of sizes) {
    expect(size).toBeLessThanOrEqual(limits.storageBytes)
    expect(size % FILL_UNIT_BYTES).toBe(0)
  }
  // Leaf i is in shard i / (leaves of the first): all but the last are of one size.
  expect(new Set(sizes.slice(0, -1)).size).toBeLessThanOrEqual(1)
})

test.each([256, 2048, 8192, 16_384, 32_768])('bands of n = %i are whole tiles, and few', (n) => {
  const rows = rowsPerDispatch(n, large)
  expect(n % rows).toBe(0)
  expect(rows % 128).toBe(0)
  expect(rows * n * n).toBeLessThanOrEqual(large.productsPerDispatch)
})

test('a band is one tile at least', () => {
  expect(rowsPerDispatch(256, { ...large, productsPerDispatch: 1 })).toBe(128)
})

test('lists are cut whole, and dispatched in two dimensions where one is too short', () => {
  expect(cut(10, 4)).toEqual([4, 4, 2])
  expect(cut(8, 4)).toEqual([4, 4])
  for (const count of [1, 64, 65, 32_768 * 64, 32_768 * 64 + 1, 2 ** 28]) {
    const [x, y] = listWorkgroups(count)
    expect(x * y * 64).toBeGreaterThanOrEqual(count)
    expect(Math.max(x, y)).toBeLessThanOrEqual(65_535)
  }
})

test.each([
  [false, true, 'tiled', 'dp4a'],
  [false, false, 'tiled', 'i32'],
  [true, true, 'direct', 'dp4a'],
  [true, false, 'direct', 'i32'],
])('software %s, dp4a %s: %s %s', (isSoftware, hasDp4a, sharing, product) => {
  expect(chooseGemm(isSoftware, hasDp4a)).toEqual({ sharing, product })
})

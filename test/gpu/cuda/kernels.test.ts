import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { CudaDevice, keyArgument, u32, u64 } from '../../../src/gpu/cuda/device.ts'
import type { Handle } from '../../../src/gpu/cuda/driver.ts'
import { fasterGemm, isGemmSize, queueGemm, queueRows } from '../../../src/gpu/cuda/gemm.ts'
import { requantize } from '../../../src/gpu/gemm-chain.ts'
import { chachaBlock } from '../../support/gemm-reference.ts'
import { buildMockCuda, hasCompiler, loadMockCuda, type MockCuda } from '../../support/mock-cuda.ts'
import { referencePage } from '../../support/residency-reference.ts'
import { requireOrSkip } from '../../support/skips.ts'

const seed = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 1)

// What the conformance of the whole backend cannot reach: extremes, and sizes beyond a test's patience.
describe.skipIf(!requireOrSkip(hasCompiler(), 'g++, which plays the GPU'))('kernels', () => {
  let mock: MockCuda
  let device: CudaDevice
  let stream: Handle
  let memory: Handle
  const n = 256
  beforeAll(async () => {
    mock = loadMockCuda(buildMockCuda())
    device = await CudaDevice.open({ library: mock.library })
    stream = device.stream()
    memory = device.allocate(3 * n * n)
  })
  beforeEach(() => mock.order({}))
  afterAll(async () => {
    await device.idle([stream])
    device.release({ streams: [stream], memory: [memory] })
    await device[Symbol.asyncDispose]()
    expect(mock.held()).toBe(0)
  })

  test('blocks of the fill beyond 2³² carry into the third nonce word', async () => {
    const page = 2 ** 32 / 64 - 1 // the last of 256 GiB, and the first beyond
    const blocks = [u64(page * 64), u64(128)]
    const args = [u64(memory), keyArgument(seed), ...blocks, u32(0x56000001), u32(3)]
    device.launch(stream, 'slow_fill', 1, 64, args)
    await device.idle([stream])
    for (const [i, p] of [page, page + 1].entries()) {
      const expected = new Uint8Array(referencePage(seed, p, 3).buffer)
      expect(device.read(memory + i * 4096, 4096)).toEqual(expected)
    }
  })

  test('rows are the ChaCha8 streams of domain, step and row', async () => {
    queueRows(device, stream, memory, keyArgument(seed), n, 7, 11)
    await device.idle([stream])
    for (const [row, block] of [
      [0, 0],
      [1, 3],
      [255, 2],
    ] as const) {
      // biome-ignore format: a table
      const expected = chachaBlock(seed, block, [7, 11, row], 8)
      expect(device.read(memory + row * n + block * 64, 64)).toEqual(expected)
    }
  })

  test.each(['gemm_warp32', 'gemm_warp64'] as const)(
    '%s is exact in every order of threads and copies',
    async (kernel) => {
      const [c, x, out] = [memory, memory + n * n, memory + 2 * n * n]
      queueRows(device, stream, c, keyArgument(seed), n, 1, 0)
      queueRows(device, stream, x, keyArgument(seed), n, 2, 0)
      await device.idle([stream])
      const [rowsOfC, rowsOfX] = [c, x].map((at) => new Int8Array(device.read(at, n * n).buffer))
      const expected = new Int8Array(n * n)
      for (let j = 0; j < n; j++) {
        for (let i = 0; i < n; i++) {
          let sum = 0
          for (let k = 0; k < n; k++) sum += rowsOfC![j * n + k]! * rowsOfX![i * n + k]!
          expected[j * n + i] = requantize(sum)
        }
      }
      for (const threads of ['ascending', 'descending', 'shuffled'] as const) {
        for (const copiesLate of [false, true]) {
          mock.order({ threads, copiesLate })
          queueRows(device, stream, out, keyArgument(seed), n, 3, 0)
          queueGemm(device, stream, kernel, [c, x, out], n)
          await device.idle([stream])
          expect(Buffer.compare(device.read(out, n * n), new Uint8Array(expected.buffer))).toBe(0)
        }
      }
      expect(mock.bankConflicts()).toBe(0)
    },
  )

  test.each([16, 24, 32, 128])('%i tiles a side: every tile is made by one block', (tiles) => {
    const made = new Set<number>()
    for (let block = 0; block < tiles * tiles; block++) {
      const [row, column] = mock.tileOf(block, tiles)
      expect(Math.max(row, column)).toBeLessThan(tiles)
      made.add(row * tiles + column)
    }
    expect(made.size).toBe(tiles * tiles)
  })

  test('the faster product is one of both, whichever it is', async () => {
    const matrices = [memory, memory + n * n, memory + 2 * n * n] as const
    const held = mock.held()
    expect(['gemm_warp32', 'gemm_warp64']).toContain(
      await fasterGemm(device, stream, matrices, n, n),
    )
    expect(mock.held()).toBe(held)
  })

  test('a copy beyond what was allocated is refused', async () => {
    expect(() => device.read(memory, 3 * n * n + 1)).toThrow(
      expect.objectContaining({
        code: 'GPU_CUDA_FAILED',
        message: expect.stringContaining('INVALID_VALUE'),
      }),
    )
  })

  test.each([
    [256, true],
    [2048, true],
    [32768, true],
    [128, false],
    [65536, false],
    [384, false],
    [0, false],
    [256.5, false],
    [Number.NaN, false],
  ])('n = %d: %s', (size, able) => {
    expect(isGemmSize(size)).toBe(able)
  })
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { concat } from '../../src/bytes.ts'
import type { Backend } from '../../src/gpu/backend.ts'
import { DOMAIN_C, matrixLevels } from '../../src/gpu/gemm-chain.ts'
import { loadKernels, PAGE_BYTES } from '../../src/gpu/kernels.ts'
import { merklePath, rootOf } from '../../src/gpu/merkle.ts'
import { createProver } from '../../src/gpu/prover-process.ts'
import {
  FILL_UNIT_BYTES,
  LEAF_BYTES,
  nextPassKey,
  passLevels,
  ResidentFill,
} from '../../src/gpu/resident-fill.ts'
import { createWebgpuBackend } from '../../src/gpu/webgpu-backend.ts'
import { WebgpuChain } from '../../src/gpu/webgpu-chain.ts'
import { WebgpuDevice } from '../../src/gpu/webgpu-device.ts'
import { silent } from '../../src/log.ts'
import { backendConformance } from '../support/backend-conformance.ts'
import { randomMatrix, referenceChain } from '../support/gemm-reference.ts'
import { referenceDigest, referencePage } from '../support/residency-reference.ts'
import { noVulkan, softwareAdapter } from '../support/vulkan.ts'

/** SwiftShader compiles the tiled kernels for seconds, on a busy machine for many. */
const TIMEOUT_MS = 300_000
const N = 256
const ITERATIONS = 3
// In the middle of a larger buffer, at an odd place: what comes out of a message.
const bytes32 = (value: number): Uint8Array => new Uint8Array(101).fill(value).subarray(33, 65)
const [chainSeed, otherSeed, fillSeed, passSeed] = [bytes32(1), bytes32(2), bytes32(3), bytes32(4)]
const chain = referenceChain(chainSeed, N, 3).map((x) => ({ x, levels: matrixLevels(x, N) }))

/** Bindings as every product has them; a workgroup copies 128×128 bytes. */
const COPY_OF_C = `
@group(0) @binding(0) var<uniform> vectors: u32;
@group(0) @binding(1) var<storage, read> c: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<u32>;
@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  for (var j = 0u; j < 128u; j++) {
    let at = (group.y * 128u + j) * vectors * 4u + group.x * 32u + thread;
    result[at] = c[at] + (x[0] & 0u);
  }
}`

/** As small as can be: bands of one tile, shards of two units, fills in pieces of 64 pages. */
const cutSmall = {
  storageBytes: 2 * FILL_UNIT_BYTES,
  productsPerDispatch: 1,
  fillBytesPerDispatch: FILL_UNIT_BYTES / 2,
}

describe.skipIf(noVulkan)('on SwiftShader', { timeout: TIMEOUT_MS }, () => {
  backendConformance('with what suits software', () => createWebgpuBackend(), { longRows: false })

  test('n = 2048: rows longer than a chunk are trees themselves, whatever the product is', async () => {
    // A product takes software a quarter of a minute; one that copies C shows the same of everything around it.
    const n = 2048
    const copy = { label: 'copy', code: COPY_OF_C }
    await using device = await WebgpuDevice.open(await softwareAdapter())
    const rows = [n - 1, 77]
    const [root, opened] = await device.call(async () => {
      const chain = await WebgpuChain.create(device, n, { kernel: copy, tile: 128 })
      await chain.start(chainSeed)
      return [await chain.next(), await chain.openRows(rows)]
    })
    const x = concat(
      randomMatrix(chainSeed, DOMAIN_C, 0, n).map((row) => new Uint8Array(row.buffer)),
    )
    const levels = matrixLevels(x, n)
    expect(root).toEqual(rootOf(levels))
    expect(opened.rows).toEqual(concat(rows.map((j) => x.subarray(j * n, (j + 1) * n))))
    expect(opened.paths).toEqual(concat(rows.flatMap((j) => merklePath(levels, j))))
  })

  test('the locality chain goes through buffers in groups, in pieces', async () => {
    // Two units a buffer, one buffer a group, some hops a dispatch: what a fill of many GiB is for a GPU.
    const limits = { ...cutSmall, storageBuffers: 2, hopsPerDispatch: 7 }
    await using backend = await createWebgpuBackend({ limits })
    const bytes = 5 * FILL_UNIT_BYTES
    await backend.prepare({ n: N, bytes })
    await backend.fill(fillSeed, ITERATIONS)
    const fill = new ResidentFill(loadKernels(), fillSeed, bytes, ITERATIONS)
    const [state, key] = [chainSeed.subarray(0, 16), otherSeed.subarray(16)]
    for (const count of [1, 7, 8, 300]) {
      expect(await backend.hops(state, key, count)).toEqual(fill.hops(state, key, count))
    }
  })

  describe.each([
    { sharing: 'tiled', product: 'dp4a', limits: {} },
    { sharing: 'tiled', product: 'i32', limits: cutSmall },
    { sharing: 'direct', product: 'i32', limits: {} },
  ] as const)('the chain with $sharing $product', ({ limits, ...gemm }) => {
    let backend: Backend
    beforeAll(async () => {
      backend = await createWebgpuBackend({ gemm, limits })
      await backend.prepare({ n: N, bytes: FILL_UNIT_BYTES })
    }, TIMEOUT_MS)
    afterAll(() => backend[Symbol.asyncDispose]())

    test('three steps, with their rows, and over again', async () => {
      const rows = [0, 100, 127, 128, N - 1]
      for (let again = 0; again < 2; again++) {
        await backend.startChain(chainSeed)
        for (const { x, levels } of chain) {
          expect(await backend.step()).toEqual(rootOf(levels))
          const opened = await backend.openRows(rows)
          expect(opened.rows).toEqual(concat(rows.map((j) => x.subarray(j * N, (j + 1) * N))))
          expect(opened.paths).toEqual(concat(rows.flatMap((j) => merklePath(levels, j))))
        }
      }
      await backend.startChain(otherSeed)
      expect(await backend.step()).not.toEqual(rootOf(chain[0]!.levels))
    })
  })

  describe('a fill in shards and pieces', () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await createWebgpuBackend({ limits: cutSmall })
    })
    afterAll(() => backend[Symbol.asyncDispose]())

    test.each([1, 3])('of %i × 512 KiB: three chained passes, with their leaves', async (units) => {
      await backend.prepare({ n: 128, bytes: units * FILL_UNIT_BYTES })
      await backend.fill(fillSeed, ITERATIONS)
      const pages = Array.from({ length: (units * FILL_UNIT_BYTES) / PAGE_BYTES }, (_, page) =>
        referencePage(fillSeed, page, ITERATIONS),
      )
      let key = passSeed
      for (let pass = 0; pass < 3; pass++) {
        const digests = concat(pages.map((words, page) => referenceDigest(words, key, page)))
        const levels = passLevels(digests)
        const root = await backend.pass(key)
        expect(root).toEqual(rootOf(levels))
        const leaves = [units - 1, 0, units - 1] // as drawn: some of them twice
        const opened = await backend.openLeaves(leaves)
        const leaf = (i: number) => digests.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES)
        expect(opened.leaves).toEqual(concat(leaves.map(leaf)))
        expect(opened.paths).toEqual(concat(leaves.flatMap((i) => merklePath(levels, i))))
        key = nextPassKey(key, root)
      }
    })
  })

  test('in a process of its own, by the name of its adapter', async () => {
    const device = { backend: 'webgpu', adapter: 'SwiftShader Device (Subzero)' } as const
    await using prover = createProver(device, silent)
    await prover.prepare({ n: N, bytes: FILL_UNIT_BYTES })
    const roots: Uint8Array[] = []
    await prover.run({ work: 'gemm', seed: chainSeed }, (root) => {
      roots.push(Uint8Array.from(root))
      if (roots.length === chain.length) prover.stop()
    })
    expect(roots).toEqual(chain.map(({ levels }) => rootOf(levels)))
  })

  test('impossible sizes change nothing, too large ones leave nothing; closed, it is lost', async () => {
    const backend = await createWebgpuBackend()
    expect(backend).toMatchObject({ name: 'webgpu', isSoftware: true })
    expect(backend.device).toContain('SwiftShader')
    const sizes = { n: 128, bytes: FILL_UNIT_BYTES }
    await expect(backend.startChain(chainSeed)).rejects.toMatchObject({ code: 'GPU_TOO_EARLY' })
    await backend.prepare(sizes)
    await backend.startChain(chainSeed)
    const root = await backend.step()

    const large = backend.prepare({ ...sizes, n: 65_536 })
    await expect(large).rejects.toMatchObject({ code: 'GPU_LIMIT' })
    await backend.startChain(chainSeed)
    expect(await backend.step()).toEqual(root)

    // SwiftShader says that a buffer may have a GiB, and has a bit less.
    const much = backend.prepare({ ...sizes, n: 32_768 })
    await expect(much).rejects.toMatchObject({ code: 'GPU_MEMORY' })
    await expect(backend.startChain(chainSeed)).rejects.toMatchObject({ code: 'GPU_TOO_EARLY' })
    await backend.prepare(sizes)
    await backend.startChain(chainSeed)
    expect(await backend.step()).toEqual(root)

    const last = backend.step()
    await backend[Symbol.asyncDispose]()
    await expect(last).rejects.toMatchObject({ code: 'GPU_LOST' })
    await expect(backend.step()).rejects.toMatchObject({ code: 'GPU_LOST' })
  })
})

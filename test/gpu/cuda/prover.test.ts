import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { GemmChain } from '../../../src/gpu/gemm-chain.ts'
import { loadKernels } from '../../../src/gpu/kernels.ts'
import { createProver } from '../../../src/gpu/prover-process.ts'
import { FILL_UNIT_BYTES } from '../../../src/gpu/resident-fill.ts'
import { silent } from '../../../src/log.ts'
import { buildMockCuda, hasCompiler } from '../../support/mock-cuda.ts'
import { requireOrSkip } from '../../support/skips.ts'

const seed = new Uint8Array(32).fill(1)
const sizes = { n: 256, bytes: FILL_UNIT_BYTES }

// The loader finds the mock where the process of a prover looks for the driver.
describe.skipIf(!requireOrSkip(hasCompiler(), 'g++, which plays the GPU'))('the prover', () => {
  beforeAll(() => vi.stubEnv('LD_LIBRARY_PATH', dirname(buildMockCuda())))
  afterAll(() => vi.unstubAllEnvs())

  test('drives a CUDA device by its UUID, in a process of its own', async () => {
    const uuid = 'GPU-00010203-0405-0607-0809-0a0b0c0d0e0f'
    await using prover = createProver({ backend: 'cuda', uuid }, silent)
    await prover.prepare(sizes)
    const roots: Uint8Array[] = []
    await prover.run({ work: 'gemm', seed }, (root) => {
      roots.push(root)
      if (roots.length === 3) prover.stop()
    })
    const chain = new GemmChain(loadKernels(), seed, sizes.n)
    expect(roots.map((root) => Buffer.from(root))).toEqual(
      roots.map(() => Buffer.from(chain.next().root)),
    )
  })

  test('a device that is not there is told with its reason and the next step', async () => {
    const uuid = 'GPU-ffffffff-0405-0607-0809-0a0b0c0d0e0f'
    await using prover = createProver({ backend: 'cuda', uuid }, silent)
    await expect(prover.prepare(sizes)).rejects.toMatchObject({
      code: 'GPU_PROVER_FAILED',
      message: expect.stringContaining(uuid),
      next: expect.stringContaining('nvidia-smi -L'),
      details: { reason: 'GPU_DEVICE_MISSING' },
    })
  })
})

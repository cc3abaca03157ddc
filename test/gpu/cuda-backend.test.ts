import { describe } from 'vitest'
import { createCudaBackend } from '../../src/gpu/cuda-backend.ts'
import { backendConformance } from '../support/backend-conformance.ts'
import { buildMockCuda, hasCompiler, loadMockCuda, type MockOrder } from '../support/mock-cuda.ts'
import { requireOrSkip } from '../support/skips.ts'

/** The harder order makes the product of n = 2048 too. */
const orders: readonly [string, MockOrder][] = [
  ['only what is waited for runs', {}],
  [
    'streams run ahead, threads anyhow, copies late',
    { eager: true, threads: 'shuffled', copiesLate: true },
  ],
]

// The whole backend against a driver whose device is the processor; test/gpu-device/ has the same on a real one.
describe.skipIf(!requireOrSkip(hasCompiler(), 'g++, which plays the GPU'))('a mock driver', () => {
  for (const [title, order] of orders) {
    const create = async () => {
      const mock = loadMockCuda(buildMockCuda())
      mock.order(order)
      return createCudaBackend({ library: mock.library })
    }
    backendConformance(title, create, { longRows: order.eager === true })
  }
})

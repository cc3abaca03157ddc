import { expect, test } from 'vitest'
import { measureCuda } from '../../../bench/support/cuda-figures.ts'
import { FILL_UNIT_BYTES } from '../../../src/gpu/resident-fill.ts'
import { buildMockCuda, hasCompiler, loadMockCuda } from '../../support/mock-cuda.ts'
import { requireOrSkip } from '../../support/skips.ts'

test.skipIf(!requireOrSkip(hasCompiler(), 'g++, which plays the GPU'))(
  'figures come out whole, what nobody knows is null, and nothing stays held',
  async () => {
    const mock = loadMockCuda(buildMockCuda())
    const { library } = mock
    const sizes = { n: 256, bytes: FILL_UNIT_BYTES, iterations: 2, workMs: 1 }
    const { figures, yardstick } = await measureCuda({ library }, sizes)
    const { peakInt8Tops, gemmToPeak, ...known } = { ...figures, ...yardstick }
    expect([peakInt8Tops, gemmToPeak]).toEqual([null, null])
    for (const [name, value] of Object.entries(known)) {
      expect([name, Number.isFinite(value)]).toEqual([name, true])
    }
    expect(mock.held()).toBe(0)
  },
)

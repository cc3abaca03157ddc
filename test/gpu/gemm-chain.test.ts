import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { sha256 } from '../../src/bytes.ts'
import { GemmChain } from '../../src/gpu/gemm-chain.ts'
import { loadKernels } from '../../src/gpu/kernels.ts'
import { referenceChain } from '../support/gemm-reference.ts'

interface Vector {
  readonly seed: string
  readonly n: number
  readonly steps: { readonly root: string; readonly matrix: string }[]
}
const file = new URL('../vectors/gemm-chain.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vector[]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test.each(vectors)(
  'golden chain of n=$n: roots and matrices never change',
  ({ seed, n, steps }) => {
    const chain = new GemmChain(loadKernels(), Buffer.from(seed, 'hex'), n)
    for (const step of steps) {
      const { root, x } = chain.next()
      expect({ root: hex(root), matrix: hex(sha256(x)) }).toEqual(step)
    }
    expect(chain.step).toBe(steps.length)
  },
)

test('the plain JavaScript reference gives the same matrices', () => {
  const { seed, n, steps } = vectors[0]!
  const matrices = referenceChain(Buffer.from(seed, 'hex'), n, steps.length)
  expect(matrices.map((x) => hex(sha256(x)))).toEqual(steps.map(({ matrix }) => matrix))
})

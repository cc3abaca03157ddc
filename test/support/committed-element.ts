import { randomBytes } from 'node:crypto'
import type { ElementAt, ElementProof } from '../../src/gpu/element-proof.ts'
import { CHUNK_BYTES, DOMAIN_C, DOMAIN_X, hashRow, requantize } from '../../src/gpu/gemm-chain.ts'
import type { GemmStatement } from '../../src/gpu/gemm-proof.ts'
import { HEAP, loadKernels } from '../../src/gpu/kernels.ts'
import { hashLeaf, rootFromPath } from '../../src/gpu/merkle.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

/**
 * A chain of any size that commits to one element, right or off by `wrongBy`, and to noise everywhere else: what a proof
 * shows does not depend on the rest.
 */
export function committedElement(
  { seed, openSeed, n }: Pick<GemmStatement, 'seed' | 'openSeed' | 'n'>,
  at: ElementAt,
  { counts, wrongBy = 0 }: { readonly counts: readonly number[]; readonly wrongBy?: number },
): { readonly s: GemmStatement; readonly proof: ElementProof } {
  const [step, row, column] = at
  const steps = counts.at(-1)!
  const isDerived = step === 1
  const kernels = loadKernels()
  const [c, x] = [HEAP, HEAP + n]
  kernels.reserve(x + n)
  kernels.setKey(seed)
  kernels.rows(DOMAIN_X, 0, column, 1, n, x)
  const previous = isDerived ? new Uint8Array() : random(n)
  if (!isDerived) kernels.memory().set(previous, x)
  kernels.rows(DOMAIN_C, step - 1, row, 1, n, c)
  const value = requantize(kernels.dot(c, x, n))

  const size = Math.min(n, CHUNK_BYTES)
  const chunk = random(size)
  chunk[column % size] = value + wrongBy
  const depth = Math.log2(n)
  const chunkPath = random(32 * (depth + Math.log2(n / size)))
  const previousPath = random(isDerived ? 0 : 32 * depth)
  const roots = random(32 * steps)
  const leaf = row * (n / size) + Math.floor(column / size)
  roots.set(rootFromPath(hashLeaf(chunk), leaf, chunkPath), 32 * (step - 1))
  if (!isDerived) {
    roots.set(rootFromPath(hashRow(previous), column, previousPath), 32 * (step - 2))
  }
  const closing = tickChain(seed, counts, roots).at(-1)!
  return {
    s: { seed, openSeed, n, steps, ticks: counts.length, closing },
    proof: { counts, roots, previous, previousPath, chunk, chunkPath },
  }
}

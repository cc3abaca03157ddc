/**
 * The GEMM chain. X_0 is pseudo-random; step t computes X_{t+1} = q(C_t · X_tᵀ) with a fresh pseudo-random C_t. All
 * entries are int8 and sums are exact, so every correct machine gets the same bytes. Each X_{t+1} has a Merkle root.
 */
import type { Bytes } from './hash.ts'
import { HEAP, type Kernels } from './kernels.ts'
import { hashLeaf, merkleLevels, rootOf } from './merkle.ts'

/** First nonce words of the streams: matrix C, first matrix X, choice of opened rows. */
export const DOMAIN_C = 0x43000001
export const DOMAIN_X = 0x58000001
export const DOMAIN_OPEN = 0x4f000001

/** A row longer than this is hashed as a tree over chunks of this size, bytes. */
const CHUNK_BYTES = 1024

/** int32 to int8: mixes all bits and keeps the top byte. Nonlinear, so that algebra cannot skip steps. */
export function requantize(sum: number): number {
  let u = Math.imul(sum, 0x9e3779b1)
  u ^= u >>> 15
  return Math.imul(u, 0x85ebca77) >> 24
}

/** The hash of one row of n bytes, n a power of two. */
export function hashRow(row: Bytes): Bytes {
  if (row.length <= CHUNK_BYTES) return hashLeaf(row)
  const leaves: Bytes[] = []
  for (let at = 0; at < row.length; at += CHUNK_BYTES) {
    leaves.push(hashLeaf(row.subarray(at, at + CHUNK_BYTES)))
  }
  return rootOf(merkleLevels(leaves))
}

/** The tree over a matrix's n rows; the last level holds its root. */
export const matrixLevels = (x: Bytes, n: number): (readonly Bytes[])[] =>
  merkleLevels(Array.from({ length: n }, (_, j) => hashRow(x.subarray(j * n, j * n + n))))

export interface ChainStep {
  readonly root: Bytes
  readonly levels: readonly (readonly Bytes[])[]
  /** X_{t+1}, n·n bytes, valid until the next step. */
  readonly x: Bytes
}

/** Computes the chain of one seed step by step; keeps three matrices of n² bytes and no history. */
export class GemmChain {
  readonly #kernels: Kernels
  readonly #seed: Bytes
  readonly #n: number
  readonly #c: number
  #x: number
  #y: number
  #step = 0

  constructor(kernels: Kernels, seed: Bytes, n: number) {
    this.#kernels = kernels
    this.#seed = seed
    this.#n = n
    this.#c = HEAP
    this.#x = this.#c + n * n
    this.#y = this.#x + n * n
    kernels.reserve(this.#y + n * n)
    kernels.setKey(seed)
    kernels.rows(DOMAIN_X, 0, 0, n, n, this.#x)
  }

  /** Steps done. */
  get step(): number {
    return this.#step
  }

  next(): ChainStep {
    const kernels = this.#kernels
    const n = this.#n
    kernels.setKey(this.#seed)
    kernels.rows(DOMAIN_C, this.#step, 0, n, n, this.#c)
    kernels.gemm(this.#c, this.#x, this.#y, n)
    const done = this.#y
    this.#y = this.#x
    this.#x = done
    this.#step += 1
    const x = kernels.memory().subarray(done, done + n * n)
    const levels = matrixLevels(x, n)
    return { root: rootOf(levels), levels, x }
  }
}

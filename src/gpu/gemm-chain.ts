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
export const CHUNK_BYTES = 1024

/** int32 to int8: mixes all bits and keeps the top byte. Nonlinear, so that algebra cannot skip steps. */
export function requantize(sum: number): number {
  let u = Math.imul(sum, 0x9e3779b1)
  u ^= u >>> 15
  return Math.imul(u, 0x85ebca77) >> 24
}

/** The tree over one row's chunks, n a power of two; the last level holds the row's hash. */
export function rowLevels(row: Bytes): (readonly Bytes[])[] {
  const leaves: Bytes[] = []
  for (let at = 0; at < row.length; at += CHUNK_BYTES) {
    leaves.push(hashLeaf(row.subarray(at, at + CHUNK_BYTES)))
  }
  return merkleLevels(leaves)
}

/** The hash of one row of n bytes, n a power of two. */
export const hashRow = (row: Bytes): Bytes => rootOf(rowLevels(row))

/** The hash of each row of n bytes. */
export const hashRows = (rows: Bytes, n: number): Bytes[] =>
  Array.from({ length: rows.length / n }, (_, j) => hashRow(rows.subarray(j * n, j * n + n)))

/** The tree over a matrix's n rows; the last level holds its root. */
export const matrixLevels = (x: Bytes, n: number): (readonly Bytes[])[] =>
  merkleLevels(hashRows(x, n))

export interface ChainStep {
  readonly root: Bytes
  readonly levels: readonly (readonly Bytes[])[]
  /** X_{t+1}, n·n bytes, valid until the next step. */
  readonly x: Bytes
}

/** Items `first` … `first + count − 1` of something that several threads share. */
export interface Share {
  readonly first: number
  readonly count: number
}

/** Computes the chain of one seed step by step, or some rows of each step; keeps no history. */
export class GemmChain {
  readonly #kernels: Kernels
  readonly #seed: Bytes
  readonly #n: number
  readonly #rows: Share
  readonly #c: number
  readonly #x: number
  readonly #y: number
  #step = 0

  constructor(kernels: Kernels, seed: Bytes, n: number, rows: Share = { first: 0, count: n }) {
    this.#kernels = kernels
    this.#seed = seed
    this.#n = n
    this.#rows = rows
    this.#x = HEAP
    this.#c = this.#x + n * n
    this.#y = this.#c + rows.count * n
    kernels.reserve(this.#y + rows.count * n)
    kernels.setKey(seed)
    kernels.rows(DOMAIN_X, 0, 0, n, n, this.#x)
  }

  /** Steps done. */
  get step(): number {
    return this.#step
  }

  /** The next step of a whole chain. */
  next(): ChainStep {
    const x = this.advance()
    this.load(x)
    const levels = matrixLevels(x, this.#n)
    return { root: rootOf(levels), levels, x }
  }

  /** Its rows of X_{t+1}, valid until the next step; before that, `load` must be given all rows. */
  advance(): Bytes {
    const kernels = this.#kernels
    const { first, count } = this.#rows
    const n = this.#n
    kernels.setKey(this.#seed)
    kernels.rows(DOMAIN_C, this.#step, first, count, n, this.#c)
    kernels.gemm(this.#c, this.#x, this.#y, n, count)
    this.#step += 1
    return kernels.memory().subarray(this.#y, this.#y + count * n)
  }

  /** Takes all rows of the last step, n·n bytes, as the operand of the next. */
  load(x: Bytes): void {
    this.#kernels.memory().set(x, this.#x)
  }
}

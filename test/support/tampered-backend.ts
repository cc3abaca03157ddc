import { concat } from '../../src/bytes.ts'
import type { Backend } from '../../src/gpu/backend.ts'
import { GemmChain, matrixLevels } from '../../src/gpu/gemm-chain.ts'
import type { Bytes } from '../../src/gpu/hash.ts'
import { HEAP, type Kernels, loadKernels, PAGE_BYTES } from '../../src/gpu/kernels.ts'
import { merklePath, rootOf } from '../../src/gpu/merkle.ts'
import {
  DOMAIN_FILL as FILL,
  LEAF_BYTES,
  passLevels,
  ResidentFill,
} from '../../src/gpu/resident-fill.ts'

/** The memory of one device, where the fill of whoever filled last stands. */
export interface Card {
  readonly kernels: Kernels
  filled?: { readonly seed: Bytes; readonly iterations: number; readonly fill: ResidentFill }
}

/** A device's memory, for several backends that share it. */
export const createCard = (): Card => ({ kernels: loadKernels() })

/** Where a backend does other work than it claims; without any of it, it is an honest one. */
export interface Tampering {
  /** Changes X of a step (n·n bytes, steps from 1) before it is committed and built upon. */
  readonly matrix?: (x: Bytes, n: number, step: number) => void
  /** Changes the fill right after it was made. */
  readonly fill?: (memory: Bytes) => void
  /** The last pages, as a share of all, that it keeps nowhere and computes again in each pass. */
  readonly recomputed?: number
  /** The card that it has not for itself. */
  readonly card?: Card
  /** Changes the siblings of opened leaves. */
  readonly paths?: (paths: Bytes) => Bytes
  /** Told of each permutation spent on fills and passes. */
  readonly onPermutations?: (count: number) => void
}

const BLOCKS_PER_PAGE = PAGE_BYTES / 64

/** The arithmetic of a device in this thread, small and slow, that lies where it is told to. */
export function createTamperedBackend(tampering: Tampering = {}): Backend {
  const { matrix, fill: change, recomputed = 0, onPermutations } = tampering
  const { card = createCard(), paths = (same) => same } = tampering
  const [chainKernels, fillKernels] = [loadKernels(), card.kernels]
  let sizes = { n: 0, bytes: 0 }
  let chain: GemmChain
  let x: Bytes = new Uint8Array()
  let levels: ReturnType<typeof matrixLevels> = []
  let digests: Bytes = new Uint8Array()
  let passTree: ReturnType<typeof passLevels> = []

  /** Computes the pages that it did not keep. */
  function again(): void {
    const pages = sizes.bytes / PAGE_BYTES
    const missing = Math.round(recomputed * pages)
    const first = pages - missing
    if (missing === 0) return
    const { seed, iterations } = card.filled!
    fillKernels.setKey(seed)
    fillKernels.fill(FILL, first, missing, iterations, HEAP + first * PAGE_BYTES)
    onPermutations?.(missing * BLOCKS_PER_PAGE * iterations)
  }

  return {
    name: 'cpu',
    device: 'a device that may lie',
    isSoftware: true,
    async prepare(wanted) {
      sizes = wanted
    },
    async fill(seed, iterations) {
      const fill = new ResidentFill(fillKernels, seed, sizes.bytes, iterations)
      card.filled = { seed, iterations, fill }
      change?.(fillKernels.memory().subarray(HEAP, HEAP + sizes.bytes))
    },
    async pass(key) {
      again()
      digests = card.filled!.fill.pass(key)
      onPermutations?.((sizes.bytes / PAGE_BYTES) * BLOCKS_PER_PAGE)
      passTree = passLevels(digests)
      return rootOf(passTree)
    },
    async openLeaves(leaves) {
      const found = leaves.map((i) => digests.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES))
      const siblings = concat(leaves.flatMap((i) => merklePath(passTree, i)))
      return { leaves: concat(found), paths: paths(siblings) }
    },
    async hops(state, key, count) {
      again()
      return card.filled!.fill.hops(state, key, count)
    },
    async startChain(seed) {
      chain = new GemmChain(chainKernels, seed, sizes.n)
    },
    async step() {
      x = chain.advance().slice()
      matrix?.(x, sizes.n, chain.step)
      chain.load(x)
      levels = matrixLevels(x, sizes.n)
      return rootOf(levels)
    },
    async openRows(rows) {
      const { n } = sizes
      return {
        rows: concat(rows.map((j) => x.subarray(j * n, (j + 1) * n))),
        paths: concat(rows.flatMap((j) => merklePath(levels, j))),
      }
    },
    async [Symbol.asyncDispose]() {},
  }
}

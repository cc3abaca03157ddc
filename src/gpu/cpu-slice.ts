import { concat } from '../bytes.ts'
import { GemmChain, hashRows, type Share } from './gemm-chain.ts'
import type { Bytes } from './hash.ts'
import { type Kernels, loadKernels } from './kernels.ts'
import type { FillJob } from './prover.ts'
import {
  FILL_UNIT_BYTES,
  fillEnd,
  hashLeaves,
  PAGES_PER_LEAF,
  ResidentFill,
  type Walk,
} from './resident-fill.ts'

/** What one thread does of every call of the cpu backend. */
export interface SliceJob {
  readonly n: number
  /** Rows of each matrix of the chain. */
  readonly rows: Share
  /** Leaves of the fill, PAGES_PER_LEAF pages each. */
  readonly leaves: Share
  /** Two matrices of n·n bytes, where all threads put the rows they made: odd steps in the second. */
  readonly board: SharedArrayBuffer
}

/** A locality chain over the whole fill, of which one thread has a share. */
export interface SliceWalk extends Walk {
  /** 16 B. */
  readonly key: Bytes
  /** Of the whole fill. */
  readonly pages: number
}

export interface SlicePass {
  /** 8 B per page. */
  readonly digests: Bytes
  /** 32 B per leaf. */
  readonly hashes: Bytes
}

type Now<T> = T | Promise<T>

/** One thread's share of the work, in this thread or another; the caller lets all finish a step before the next. */
export interface CpuSlice {
  prepare(job: SliceJob): Now<void>
  fill(job: FillJob): Now<void>
  pass(key: Bytes): Now<SlicePass>
  /** Goes along a chain until it ends or leaves this thread's pages. */
  hops(walk: SliceWalk): Now<Walk>
  startChain(seed: Bytes): Now<void>
  /** The hashes of its rows, 32 B each; the rows are on the board. */
  step(): Now<Bytes>
}

interface Prepared {
  readonly job: SliceJob
  /** The fill stays while chains come and go, so each has a memory of its own. */
  readonly chainKernels: Kernels
  readonly fillKernels: Kernels
  fill: ResidentFill | undefined
  chain: GemmChain | undefined
}

/** The half of a board that holds the matrix of a step. */
export const boardOf = (board: SharedArrayBuffer, n: number, step: number): Bytes =>
  new Uint8Array(board, (step % 2) * n * n, n * n)

/** A slice that computes in the thread that calls. */
export function createCpuSlice(): CpuSlice {
  let prepared: Prepared | undefined
  const now = (): Prepared => {
    if (prepared === undefined) throw new Error('nothing was prepared')
    return prepared
  }
  return {
    prepare(job) {
      const [chainKernels, fillKernels] = [loadKernels(), loadKernels()]
      fillKernels.reserve(fillEnd(job.leaves.count * FILL_UNIT_BYTES))
      prepared = { job, chainKernels, fillKernels, fill: undefined, chain: undefined }
    },
    fill({ seed, iterations }) {
      const { job, fillKernels } = now()
      const { first, count } = job.leaves
      if (count === 0) return
      const [bytes, page] = [count * FILL_UNIT_BYTES, first * PAGES_PER_LEAF]
      now().fill = new ResidentFill(fillKernels, seed, bytes, iterations, page)
    },
    pass(key) {
      const digests = now().fill?.pass(key) ?? new Uint8Array(0)
      return { digests, hashes: concat(hashLeaves(digests)) }
    },
    hops({ key, pages, ...walk }) {
      return now().fill?.hopsWithin(walk, key, pages) ?? walk
    },
    startChain(seed) {
      const { job, chainKernels } = now()
      now().chain = new GemmChain(chainKernels, seed, job.n, job.rows)
    },
    step() {
      const { job, chain } = now()
      if (chain === undefined) throw new Error('no chain was started')
      const { n, rows, board } = job
      if (chain.step > 0) chain.load(boardOf(board, n, chain.step))
      const made = chain.advance()
      boardOf(board, n, chain.step).set(made, rows.first * n)
      return concat(hashRows(made, n))
    },
  }
}

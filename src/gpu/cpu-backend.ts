import { availableParallelism, cpus } from 'node:os'
import { concat } from '../bytes.ts'
import { silent } from '../log.ts'
import { createThread, siblingModule, type Thread } from '../thread.ts'
import { minutesMs } from '../units.ts'
import type { Backend, ProofSizes } from './backend.ts'
import { boardOf, type CpuSlice, createCpuSlice } from './cpu-slice.ts'
import type { Share } from './gemm-chain.ts'
import type { Bytes } from './hash.ts'
import { PAGE_BYTES } from './kernels.ts'
import { merkleLevels, merklePath, rootOf } from './merkle.ts'
import {
  FILL_UNIT_BYTES,
  LEAF_BYTES,
  levelsOfLeaves,
  PAGES_PER_LEAF,
  pageOfHop,
  type Walk,
} from './resident-fill.ts'

export interface CpuOptions {
  /** Threads that share the work, the one that calls among them; by default all but one of the machine's. */
  readonly threads?: number
}

type Levels = readonly (readonly Bytes[])[]

interface Prepared extends ProofSizes {
  readonly board: SharedArrayBuffer
  isFilled: boolean
  steps: number | undefined
  lastPass: { readonly digests: Bytes; readonly levels: Levels } | undefined
  lastStep: Levels | undefined
}

/** Whoever drives the backend has a deadline; this one only ends a thread that its owner has forgotten. */
const THREAD_TIMEOUT_MS = minutesMs(60)

/** The processor by WebAssembly SIMD, for tests and local networks: leaves and rows are split over threads. */
export function createCpuBackend(options: CpuOptions = {}): Backend {
  const { threads: count = Math.max(1, availableParallelism() - 1) } = options
  const threads = Array.from({ length: count - 1 }, () => startThread())
  // This thread's slice is the last: the others have begun when it blocks.
  const slices = [...threads.map(sliceIn), createCpuSlice()]
  const all = async <T>(ask: (slice: CpuSlice, index: number) => T | Promise<T>): Promise<T[]> =>
    await Promise.all(slices.map(ask))
  const each = async (ask: (slice: CpuSlice, index: number) => unknown): Promise<void> => {
    await Promise.all(slices.map(ask))
  }
  let prepared: Prepared | undefined
  const now = (): Prepared => {
    if (prepared === undefined) throw new Error('nothing was prepared')
    return prepared
  }

  return {
    name: 'cpu',
    device: cpus()[0]?.model.trim() || process.arch,
    isSoftware: false,
    async prepare({ n, bytes }) {
      if (prepared?.n === n && prepared.bytes === bytes) return
      const board = new SharedArrayBuffer(2 * n * n)
      const rows = shares(n, slices.length)
      const leaves = shares(bytes / FILL_UNIT_BYTES, slices.length)
      await each((slice, i) => slice.prepare({ n, board, rows: rows[i]!, leaves: leaves[i]! }))
      // Compiles the kernels at full speed.
      await each((slice) => slice.startChain(new Uint8Array(32)))
      await each((slice) => slice.step())
      const [lastPass, lastStep, steps] = [undefined, undefined, undefined]
      prepared = { n, bytes, board, isFilled: false, steps, lastPass, lastStep }
    },
    async fill(seed, iterations) {
      const it = now()
      it.lastPass = undefined
      await each((slice) => slice.fill({ seed, iterations }))
      it.isFilled = true
    },
    async pass(key) {
      const it = now()
      if (!it.isFilled) throw new Error('nothing was filled')
      const passes = await all((slice) => slice.pass(key))
      const digests = concat(passes.map((pass) => pass.digests))
      const levels = levelsOfLeaves(passes.flatMap(({ hashes }) => split(hashes)))
      it.lastPass = { digests, levels }
      return rootOf(levels)
    },
    async openLeaves(leaves) {
      const { lastPass } = now()
      if (lastPass === undefined) throw new Error('no pass was made')
      return open(leaves, lastPass.digests, LEAF_BYTES, lastPass.levels, 'leaves')
    },
    async hops(state, key, count) {
      const { isFilled, bytes } = now()
      if (!isFilled) throw new Error('nothing was filled')
      const pages = bytes / PAGE_BYTES
      const units = shares(bytes / FILL_UNIT_BYTES, slices.length)
      let walk: Walk = { state, left: count }
      // Each thread has a part of the fill: the chain is handed on whenever it leaves one.
      while (walk.left > 0) {
        const unit = Math.floor(pageOfHop(walk.state, pages) / PAGES_PER_LEAF)
        const owner = units.findIndex(({ first, count: own }) => unit < first + own)
        walk = await slices[owner]!.hops({ ...walk, key, pages })
      }
      return walk.state
    },
    async startChain(seed) {
      const it = now()
      it.lastStep = undefined
      await each((slice) => slice.startChain(seed))
      it.steps = 0
    },
    async step() {
      const it = now()
      if (it.steps === undefined) throw new Error('no chain was started')
      const hashes = await all((slice) => slice.step())
      const levels = merkleLevels(hashes.flatMap(split))
      it.steps += 1
      it.lastStep = levels
      return rootOf(levels)
    },
    async openRows(rows) {
      const { n, board, steps, lastStep } = now()
      if (lastStep === undefined) throw new Error('no step was made')
      return open(rows, boardOf(board, n, steps!), n, lastStep, 'rows')
    },
    async [Symbol.asyncDispose]() {
      prepared = undefined
      for (const thread of threads) await thread[Symbol.asyncDispose]()
    },
  }
}

const startThread = (): Thread =>
  createThread({
    module: siblingModule(import.meta.url, 'cpu-worker'),
    name: 'cpu-worker',
    code: 'GPU_CPU',
    log: silent,
  })

function sliceIn(thread: Thread): CpuSlice {
  const ask = <T>(method: keyof CpuSlice, value?: unknown): Promise<T> =>
    thread.call<T>(method, value, THREAD_TIMEOUT_MS)
  return {
    prepare: (job) => ask('prepare', job),
    fill: (job) => ask('fill', job),
    pass: (key) => ask('pass', key),
    hops: (walk) => ask('hops', walk),
    startChain: (seed) => ask('startChain', seed),
    step: () => ask('step'),
  }
}

/** Splits `count` items as evenly as it goes. */
function shares(count: number, parts: number): Share[] {
  const startOf = (i: number): number => Math.floor((i * count) / parts)
  return Array.from({ length: parts }, (_, i) => ({
    first: startOf(i),
    count: startOf(i + 1) - startOf(i),
  }))
}

/** Hashes of 32 B each, apart. */
const split = (hashes: Bytes): Bytes[] =>
  Array.from({ length: hashes.length / 32 }, (_, i) => hashes.subarray(32 * i, 32 * i + 32))

/** Items of `size` bytes by their index, under `name`, with their paths. */
function open<Name extends string>(
  indexes: readonly number[],
  items: Bytes,
  size: number,
  levels: Levels,
  name: Name,
): Record<Name | 'paths', Bytes> {
  return {
    [name]: concat(indexes.map((i) => items.subarray(i * size, (i + 1) * size))),
    paths: concat(indexes.flatMap((i) => merklePath(levels, i))),
  } as Record<Name | 'paths', Bytes>
}

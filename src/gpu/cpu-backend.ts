import { cpus } from 'node:os'
import type { Backend, ProofSizes } from './backend.ts'
import { GemmChain } from './gemm-chain.ts'
import { type Bytes, concat } from './hash.ts'
import { type Kernels, loadKernels } from './kernels.ts'
import { merklePath, rootOf } from './merkle.ts'
import { LEAF_BYTES, passLevels, ResidentFill } from './resident-fill.ts'

type Levels = readonly (readonly Bytes[])[]

/** The processor by WebAssembly SIMD, in the thread that calls; for tests and local networks. */
export function createCpuBackend(): Backend {
  // The fill stays while chains come and go, so each has a memory of its own.
  const [chainKernels, fillKernels]: readonly Kernels[] = [loadKernels(), loadKernels()]
  let sizes: ProofSizes = { n: 0, bytes: 0 }
  let resident: ResidentFill | undefined
  let chain: GemmChain | undefined
  let lastPass: { readonly digests: Bytes; readonly levels: Levels } | undefined
  let lastStep: { readonly x: Bytes; readonly levels: Levels } | undefined

  return {
    name: 'cpu',
    device: cpus()[0]?.model.trim() ?? process.arch,
    isSoftware: false,
    async prepare(wanted) {
      if (wanted.n === sizes.n && wanted.bytes === sizes.bytes) return
      sizes = wanted
      resident = undefined
      chain = undefined
      lastPass = undefined
      lastStep = undefined
      new GemmChain(chainKernels!, new Uint8Array(32), sizes.n).next() // compiles the kernels at full speed
    },
    async fill(seed, iterations) {
      resident = new ResidentFill(fillKernels!, seed, sizes.bytes, iterations)
    },
    async pass(key) {
      if (resident === undefined) throw new Error('nothing was filled')
      const digests = resident.pass(key)
      const levels = passLevels(digests)
      lastPass = { digests, levels }
      return rootOf(levels)
    },
    async openLeaves(leaves) {
      if (lastPass === undefined) throw new Error('no pass was made')
      const { digests, levels } = lastPass
      return {
        leaves: concat(leaves.map((i) => digests.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES))),
        paths: concat(leaves.flatMap((i) => merklePath(levels, i))),
      }
    },
    async startChain(seed) {
      chain = new GemmChain(chainKernels!, seed, sizes.n)
    },
    async step() {
      if (chain === undefined) throw new Error('no chain was started')
      lastStep = chain.next()
      return rootOf(lastStep.levels)
    },
    async openRows(rows) {
      if (lastStep === undefined) throw new Error('no step was made')
      const { x, levels } = lastStep
      const { n } = sizes
      return {
        rows: concat(rows.map((j) => x.subarray(j * n, j * n + n))),
        paths: concat(rows.flatMap((j) => merklePath(levels, j))),
      }
    },
    async [Symbol.asyncDispose]() {
      resident = undefined
      chain = undefined
    },
  }
}

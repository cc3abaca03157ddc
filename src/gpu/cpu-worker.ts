/** The thread behind cpu-prover.ts. */
import { answerThread, postEvent } from '../thread-side.ts'
import { GemmChain } from './gemm-chain.ts'
import { MAX_STEPS, proveGemm } from './gemm-proof.ts'
import type { Bytes } from './hash.ts'
import { type Kernels, loadKernels } from './kernels.ts'
import type { OpenJob } from './prover.ts'

interface Run {
  readonly seed: Bytes
  readonly n: number
  readonly job: number
  /** The job that may go on; shared with the owner. */
  readonly current: Int32Array
}

let loaded: Kernels | undefined
const kernels = (): Kernels => {
  loaded ??= loadKernels()
  return loaded
}

answerThread({
  prepare({ n }: { n: number }) {
    new GemmChain(kernels(), new Uint8Array(32), n).next() // compiles the kernels at full speed
  },
  run({ seed, n, job, current }: Run) {
    const chain = new GemmChain(kernels(), seed, n)
    while (Atomics.load(current, 0) === job && chain.step < MAX_STEPS) {
      postEvent({ job, root: chain.next().root })
    }
  },
  open: ({ statement, counts, limits }: OpenJob) => proveGemm(kernels(), statement, counts, limits),
})

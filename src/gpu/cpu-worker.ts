/** The thread behind cpu-prover.ts. */
import { answerThread, postEvent } from '../thread-side.ts'
import type { ProofSizes } from './backend.ts'
import { createCpuBackend } from './cpu-backend.ts'
import { loadKernels } from './kernels.ts'
import { openPages, openRows, runWork } from './prove-work.ts'
import type { FillJob, OpenPagesJob, OpenRowsJob, WorkJob } from './prover.ts'

interface Run extends WorkJob {
  readonly job: number
  /** The job that may go on; shared with the owner. */
  readonly current: Int32Array
}

const backend = createCpuBackend()
const kernels = loadKernels()

answerThread({
  prepare: (sizes: ProofSizes) => backend.prepare(sizes),
  fill: ({ seed, iterations }: FillJob) => backend.fill(seed, iterations),
  run({ job, current, ...work }: Run) {
    const goesOn = (): boolean => Atomics.load(current, 0) === job
    return runWork(backend, work, goesOn, (root) => postEvent({ job, root }))
  },
  openRows: (job: OpenRowsJob) => openRows(backend, kernels, job),
  openPages: (job: OpenPagesJob) => openPages(backend, kernels, job),
})

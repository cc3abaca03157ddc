/** The thread behind verifier.ts. */
import { answerThread } from '../thread-side.ts'
import type { CheckJob } from './check-transcript.ts'
import { checkTranscript } from './check-transcript.ts'
import { judgeShown, type ShownJob } from './judge-shown.ts'
import { type Kernels, loadKernels } from './kernels.ts'

let kernels: Kernels | undefined

answerThread({
  check(job: CheckJob) {
    kernels ??= loadKernels()
    return checkTranscript(kernels, job)
  },
  judge(job: ShownJob) {
    kernels ??= loadKernels()
    return judgeShown(kernels, job)
  },
})

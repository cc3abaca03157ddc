import type { Log } from '../log.ts'
import { createThread, siblingModule } from '../thread.ts'
import type { Bytes } from './hash.ts'
import type { Prover } from './prover.ts'

interface RootEvent {
  readonly job: number
  readonly root: Bytes
}

/** Longest a window plus its last step may take; a job beyond it is stuck. */
const RUN_TIMEOUT_MS = 60_000
const PREPARE_TIMEOUT_MS = 30_000

/** Proves with one thread of this machine's CPU: WASM SIMD in a worker, restarted when it crashes. */
export function createCpuProver(log: Log): Prover {
  let job = 0
  let onRoot: (root: Bytes) => void = () => undefined
  // The thread looks at this between steps: a message would wait until its event loop turns.
  const current = new Int32Array(new SharedArrayBuffer(4))
  const thread = createThread({
    module: siblingModule(import.meta.url, 'cpu-worker'),
    name: 'cpu-prover',
    code: 'GPU_PROVER',
    log,
    onEvent: (event) => {
      const { job: of, root } = event as RootEvent
      if (of === job) onRoot(root)
    },
  })
  return {
    backend: 'cpu',
    prepare: (sizes) => thread.call('prepare', sizes, PREPARE_TIMEOUT_MS),
    fill: (fill, timeoutMs) => thread.call('fill', fill, timeoutMs),
    run(work, handle) {
      job += 1
      onRoot = handle
      Atomics.store(current, 0, job)
      return thread.call('run', { ...work, job, current }, RUN_TIMEOUT_MS)
    },
    stop() {
      job += 1
      Atomics.store(current, 0, job)
    },
    openRows: (request, timeoutMs) => thread.call('openRows', request, timeoutMs),
    openPages: (request, timeoutMs) => thread.call('openPages', request, timeoutMs),
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  }
}

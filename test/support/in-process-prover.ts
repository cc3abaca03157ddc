import { sleep } from '../../src/clock.ts'
import type { Backend } from '../../src/gpu/backend.ts'
import { loadKernels } from '../../src/gpu/kernels.ts'
import { openHopChain, openPages, openRows, runWork } from '../../src/gpu/prove-work.ts'
import type { Prover } from '../../src/gpu/prover.ts'

/**
 * A prover in this process that makes some ten passes or steps a second: many of them share two cores, and a machine
 * that is busy still hears them all.
 */
export function createInProcessProver(backend: Backend, paceMs = 90): Prover {
  const kernels = loadKernels()
  let stopped = new AbortController()
  let last: Promise<unknown> = Promise.resolve()
  /** One job at a time, in order. */
  const inTurn = <T>(job: () => Promise<T>): Promise<T> => {
    const turn = last.then(job)
    last = turn.catch(() => undefined) // the caller gets the error; the next one gets its turn
    return turn
  }
  return {
    backend: backend.name,
    prepare: (sizes) => inTurn(() => backend.prepare(sizes)),
    fill: ({ seed, iterations }) => inTurn(() => backend.fill(seed, iterations)),
    run(job, onRoot) {
      const ended = new AbortController()
      stopped = ended
      const goesOn = async (): Promise<boolean> => {
        await sleep(paceMs)
        return !ended.signal.aborted
      }
      return inTurn(() =>
        runWork(backend, job, goesOn, (root) => {
          if (!ended.signal.aborted) onRoot(root)
        }),
      )
    },
    stop: () => stopped.abort(),
    openRows: (job) => inTurn(() => openRows(backend, kernels, job)),
    openHops: (job) => inTurn(async () => openHopChain(kernels, job)),
    async release() {
      stopped.abort()
      await last
    },
    openPages: (job) => inTurn(() => openPages(backend, kernels, job)),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  }
}

import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { codeOf, messageOf, NodeError } from '../errors.ts'
import { siblingModule } from '../thread.ts'
import type { Backend } from './backend.ts'
import type { BackendDevice } from './backends.ts'
import { loadKernels } from './kernels.ts'
import { openHopChain, openPages, openRows, runWork } from './prove-work.ts'
import type {
  FromProver,
  NumberedWork,
  ProverMethod,
  ProverMethods,
  ToProver,
} from './prover-messages.ts'

/** Roots on their way to the parent; beyond this, work waits until the parent reads. About 1 MiB. */
const MAX_UNREAD_ROOTS = 4096

/**
 * Makes this process the prover of its parent (prover-process.ts), with what `open` opens. It ends when the parent is
 * gone, also in the middle of a driver's call.
 */
export function serveProver(open: (device: BackendDevice) => Promise<Backend>): void {
  const channel = rootChannel()
  const methods = proverMethods(open, channel)
  process.on('message', async (message: ToProver) => {
    if ('stop' in message) return channel.stop(message.stop)
    const { id, method, value } = message
    try {
      send({ id, value: await methods[method](value as never) })
    } catch (error) {
      // What a thread or a device held is lost, so nothing here can go on: the parent starts a new process.
      if (isFatal(codeOf(error), method)) throw error
      const next = error instanceof NodeError ? error.next : undefined
      send({ id, failure: { message: messageOf(error), code: codeOf(error), next } })
    }
  })
  endWithParent(() => methods.close())
}

/**
 * Whether an error leaves nothing to go on with. A driver's failure that has no other name may be one that every later
 * call repeats (a GPU that fell off the bus); one while opening is told in its own words, and the parent ends this.
 */
const isFatal = (code: string, method: ProverMethod): boolean =>
  code.endsWith('_CRASHED') ||
  code === 'GPU_LOST' ||
  (code === 'GPU_CUDA_FAILED' && method !== 'open')

const send = (message: FromProver, done?: () => void): void => {
  // A closed channel is no error here: 'disconnect' follows, and ends this process.
  process.send?.(message, undefined, undefined, () => done?.())
}

/** Roots to the parent, no faster than it reads, and its stops. */
function rootChannel() {
  let stopped = 0
  let unread = 0
  let wake = (): void => undefined
  return {
    hand(job: number, root: Uint8Array): void {
      unread += 1
      send({ job, root }, () => {
        unread -= 1
        wake()
      })
    },
    stop(job: number): void {
      stopped = Math.max(stopped, job)
      wake()
    },
    /**
     * Whether a job may do another step, after a rest that a stop ends. The event loop turns here, so that a stop is
     * heard between any two steps.
     */
    async goesOn(job: number, restMs: number): Promise<boolean> {
      await turn()
      if (restMs > 0 && job > stopped) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, restMs)
          wake = () => {
            if (job > stopped) return
            clearTimeout(timer)
            resolve()
          }
        })
      }
      while (unread > MAX_UNREAD_ROOTS && job > stopped) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return job > stopped
    },
  }
}

function proverMethods(
  open: (device: BackendDevice) => Promise<Backend>,
  channel: ReturnType<typeof rootChannel>,
): ProverMethods & { close(): Promise<void> } {
  let opened: Backend | undefined
  const kernels = loadKernels()
  const backend = (): Backend => {
    if (opened === undefined) throw new Error('no device was opened')
    return opened
  }
  return {
    async open(device) {
      opened = await open(device)
      const { device: name, isSoftware, kernel, notice } = opened
      return {
        device: name,
        isSoftware,
        ...(kernel === undefined ? {} : { kernel }),
        ...(notice === undefined ? {} : { notice }),
      }
    },
    prepare: (sizes) => backend().prepare(sizes),
    fill: ({ seed, iterations }) => backend().fill(seed, iterations),
    run: ({ job, ...work }: NumberedWork) =>
      runWork(
        backend(),
        work,
        (restMs) => channel.goesOn(job, restMs),
        (root) => channel.hand(job, root),
      ),
    openRows: (job) => openRows(backend(), kernels, job),
    openPages: (job) => openPages(backend(), kernels, job),
    openHops: async (job) => openHopChain(kernels, job),
    close: async () => opened?.[Symbol.asyncDispose](),
  }
}

/** Ends this process with its parent: in order where the event loop turns, else by a thread that watches. */
function endWithParent(close: () => Promise<void>): void {
  // Signals of a terminal or a service manager reach the whole group: the parent decides what they mean.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  process.once('disconnect', async () => {
    await close()
    process.exit()
  })
  // The parent says who it is: asked for here, it might be gone already.
  const parent = Number(process.argv[2])
  const watch = new Worker(siblingModule(import.meta.url, 'parent-watch'), {
    name: 'parent-watch',
    workerData: parent,
  })
  watch.unref()
}

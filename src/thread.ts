import { Worker } from 'node:worker_threads'
import { type ErrorCode, NodeError } from './errors.ts'
import type { Log } from './log.ts'

/** A worker thread that answers calls: what would block the event loop runs here. */
export interface Thread extends AsyncDisposable {
  /**
   * Runs `method` in the thread. A thread that crashed or missed a deadline is replaced at the next call.
   * @throws `<code>_CRASHED`, `<code>_TIMEOUT`, `<code>_FAILED` (the method itself threw)
   */
  call<T>(method: string, value: unknown, timeoutMs: number): Promise<T>
  /** Starts the thread now instead of at the first call. */
  warm(): void
}

export interface ThreadOptions {
  /** The module that runs in the thread; it calls `answerThread`. See `siblingModule`. */
  readonly module: URL
  readonly name: string
  /** First part of the codes of its errors, e.g. `GPU_PROVER`. */
  readonly code: ErrorCode
  readonly log: Log
  /** What the thread posts on its own. */
  readonly onEvent?: (event: unknown) => void
}

/** The URL of a module beside this one, as source (.ts) or as built (.js). */
export const siblingModule = (importMetaUrl: string, name: string): URL =>
  new URL(`./${name}.${importMetaUrl.endsWith('.ts') ? 'ts' : 'js'}`, importMetaUrl)

interface Call {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly timer: NodeJS.Timeout
}

type Reply = { id: number; value: unknown } | { id: number; error: string } | { event: unknown }

/** Creates a thread that starts at its first call and keeps the process alive only while calls are pending. */
export function createThread(options: ThreadOptions): Thread {
  const { module, name, code, log, onEvent } = options
  const calls = new Map<number, Call>()
  let worker: Worker | undefined
  let nextId = 1
  let closed = false

  const settle = (id: number): Call | undefined => {
    const call = calls.get(id)
    if (call === undefined) return undefined
    clearTimeout(call.timer)
    calls.delete(id)
    if (calls.size === 0) worker?.unref()
    return call
  }
  const drop = (gone: Worker, error: NodeError): void => {
    if (worker !== gone) return
    worker = undefined
    for (const id of [...calls.keys()]) settle(id)?.reject(error)
  }
  const start = (): Worker => {
    const started = new Worker(module, { name })
    started.unref()
    started.on('message', (reply: Reply) => {
      if ('event' in reply) return onEvent?.(reply.event)
      const call = settle(reply.id)
      if ('error' in reply) {
        call?.reject(new NodeError(`${code}_FAILED` as ErrorCode, `${name}: ${reply.error}`))
      } else call?.resolve(reply.value)
    })
    started.on('error', (cause) => {
      if (!closed) log.error('thread-crashed', cause, { thread: name })
      drop(started, crashed(cause))
    })
    started.on('exit', (status) => drop(started, crashed(`it exited with ${status}`)))
    return started
  }
  const crashed = (cause: unknown): NodeError =>
    new NodeError(`${code}_CRASHED` as ErrorCode, `the ${name} thread ended`, { cause })

  return {
    call<T>(method: string, value: unknown, timeoutMs: number): Promise<T> {
      if (closed) return Promise.reject(crashed('closed'))
      worker ??= start()
      const current = worker
      const id = nextId++
      return new Promise<T>((resolve, reject) => {
        const timer = setTimeout(() => {
          const message = `the ${name} thread did not answer within ${timeoutMs} ms`
          settle(id)?.reject(new NodeError(`${code}_TIMEOUT` as ErrorCode, message))
          // Whatever it computes blocks the calls behind it: start afresh.
          drop(current, crashed('a call before timed out'))
          void current.terminate()
        }, timeoutMs)
        calls.set(id, { resolve: resolve as (value: unknown) => void, reject, timer })
        current.ref()
        current.postMessage({ id, method, value })
      })
    },
    warm() {
      if (!closed) worker ??= start()
    },
    async [Symbol.asyncDispose]() {
      closed = true
      const last = worker
      if (last === undefined) return
      drop(last, crashed('closed'))
      await last.terminate()
    },
  }
}

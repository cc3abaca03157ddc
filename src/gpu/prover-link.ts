import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { NodeError } from '../errors.ts'
import { driverEnv } from './driver-env.ts'
import type { Bytes } from './hash.ts'
import type { FromProver, ProverMethod, ProverMethods, ToProver } from './prover-messages.ts'

/** One process of a prover, from its start to its end. */
export interface ProverLink {
  /**
   * Runs one method there, one at a time. `timeoutMs` is a silence: each root starts it anew. A process past it is killed.
   * @throws GPU_PROVER_CRASHED, GPU_PROVER_TIMEOUT, GPU_PROVER_FAILED (the method itself threw)
   */
  call<Method extends ProverMethod>(
    method: Method,
    value: Parameters<ProverMethods[Method]>[0],
    timeoutMs: number,
  ): Promise<Awaited<ReturnType<ProverMethods[Method]>>>
  /** Ends the job of this number and all before it. */
  stop(job: number): void
  /**
   * Ends the process: in order, or after `CLOSE_MS` by force; false for one that not even that ended, because a hung
   * driver holds it.
   */
  close(): Promise<boolean>
}

export interface LinkOptions {
  /** Main module of the process; it calls `serveProver`. */
  readonly module: URL
  /** How messages call it, e.g. `the cpu prover`. */
  readonly name: string
  /** What it is told beside what drivers read of this process's environment. */
  readonly env?: NodeJS.ProcessEnv
  readonly onRoot: (job: number, root: Bytes) => void
  /** Called once, when it ended or was killed, before the call under way is rejected with the same error. */
  readonly onGone: (error: NodeError) => void
}

/** How long a driver may take to let go of its device. */
const CLOSE_MS = 2000
/** How long a killed one may take: the driver takes its memory back first, 72 GiB in a second or two. */
const DEATH_MS = 10_000
/** What a dead process wrote last is waited for; something it started may keep the pipe open for longer. */
const LAST_WORDS_MS = 500

interface Pending {
  readonly id: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly timer: NodeJS.Timeout
}

/** Starts a process with its own environment and no file of this one; it ends with this one, however that ends. */
export function startProverLink(options: LinkOptions): ProverLink {
  const { module, name, env = {}, onRoot, onGone } = options
  const child = fork(module, [String(process.pid)], {
    serialization: 'advanced',
    env: { ...driverEnv(process.env), ...env },
    // None of this process's own, such as an inspector's port. No heap limit saves memory, and WASM needs the compiler.
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const stderr = tailOf(child.stderr as Socket)
  let pending: Pending | undefined
  let nextId = 1
  let isGone = false
  keepAlive(child, false)

  const settle = (): Pending | undefined => {
    const settled = pending
    pending = undefined
    clearTimeout(settled?.timer)
    keepAlive(child, false)
    return settled
  }
  const gone = (error: NodeError): void => {
    if (isGone) return
    isGone = true
    onGone(error)
    settle()?.reject(error)
  }
  child.on('message', (message: FromProver) => {
    if ('root' in message) {
      pending?.timer.refresh()
      // A copy: as it came it may hold on to much more memory.
      onRoot(message.job, message.root.slice())
    } else if (message.id === pending?.id) {
      const call = settle()
      if ('failure' in message) call?.reject(failed(name, message.failure))
      else call?.resolve(message.value)
    }
  })
  const ended = endOf(child, stderr).then((end) => gone(crashed(name, end)))

  return {
    call: (method, value, timeoutMs) =>
      new Promise((resolve, reject) => {
        const id = nextId++
        const timer = setTimeout(() => {
          child.kill('SIGKILL')
          gone(late(name, method, timeoutMs))
        }, timeoutMs)
        pending = { id, resolve: resolve as (value: unknown) => void, reject, timer }
        keepAlive(child, true)
        tell(child, { id, method, value })
      }),
    stop: (job) => tell(child, { stop: job }),
    async close() {
      gone(
        new NodeError('GPU_PROVER_CRASHED', `${name} was closed`, { next: 'start the node again' }),
      )
      keepAlive(child, true)
      if (child.connected) child.disconnect()
      const force = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS)
      const patience = new AbortController()
      const { signal } = patience
      const tooLong = sleep(CLOSE_MS + DEATH_MS, false, { signal }).catch(() => false)
      const hasEnded = await Promise.race([ended.then(() => true), tooLong])
      patience.abort()
      clearTimeout(force)
      keepAlive(child, false)
      return hasEnded
    },
  }
}

/** Sends; a process that is gone says so by its end. */
const tell = (child: ChildProcess, message: ToProver): void => {
  if (child.connected) child.send(message, () => undefined)
}

/** Whether the process and its pipes keep this one alive: only while a call is under way. */
function keepAlive(child: ChildProcess, alive: boolean): void {
  const does = alive ? 'ref' : 'unref'
  child[does]()
  child.channel?.[does]()
  ;(child.stderr as Socket | null)?.[does]()
}

interface End {
  /** An exit code, a signal, or why it did not start. */
  readonly how: string
  readonly exitCode: number | null
  readonly signal: string | null
  readonly stderr: string
}

function endOf(child: ChildProcess, stderr: () => string): Promise<End> {
  return new Promise((resolve) => {
    child.on('error', ({ message }) => {
      if (child.pid !== undefined) return // a kill or message that came too late
      resolve({ how: `it did not start: ${message}`, exitCode: null, signal: null, stderr: '' })
    })
    child.once('exit', (exitCode, signal) => {
      const how = signal === null ? `exit code ${exitCode}` : `signal ${signal}`
      const end = (): void => {
        clearTimeout(timer)
        resolve({ how, exitCode, signal, stderr: stderr() })
      }
      const timer = setTimeout(end, LAST_WORDS_MS)
      child.once('close', end)
    })
  })
}

const TAIL_CHARS = 8192
const TAIL_LINES = 5

/** The last lines of a stream that say something; a flood is read and dropped. */
function tailOf(stream: Socket): () => string {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text = (text + chunk).slice(-TAIL_CHARS)
  })
  return () =>
    text
      .split('\n')
      .map((line) => line.trim().slice(0, 200))
      .filter((line) => line !== '' && !/^(at |\^|Node\.js v)/.test(line))
      .slice(-TAIL_LINES)
      .join('\n')
}

const AGAIN =
  'it starts again at the next call; if this repeats, run `compute-node doctor` and check the driver'

function crashed(name: string, { how, ...details }: End): NodeError {
  const words = details.stderr === '' ? '' : `; it last wrote: ${details.stderr}`
  return new NodeError('GPU_PROVER_CRASHED', `${name} ended with ${how}${words}`, {
    ...details,
    next: AGAIN,
  })
}

const late = (name: string, method: string, timeoutMs: number): NodeError =>
  new NodeError(
    'GPU_PROVER_TIMEOUT',
    `${name} was silent in ${method} for ${timeoutMs} ms and was killed`,
    {
      next: AGAIN,
    },
  )

const failed = (
  name: string,
  failure: { message: string; code: string; next?: string | undefined },
): NodeError =>
  new NodeError('GPU_PROVER_FAILED', `${name}: ${failure.message}`, {
    reason: failure.code,
    next:
      failure.next ??
      'run `compute-node doctor`; the device may be too small for what is announced',
  })

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { codeOf, type ErrorCode, messageOf, NodeError } from '../errors.ts'
import { driverEnv } from './driver-env.ts'

export interface AskOptions {
  /** Main module of the process; it calls `answerParent`. */
  readonly module: URL
  /** What it is asked about, as its arguments. */
  readonly args?: readonly string[]
  /** What it is told beside what drivers read of this process's environment. */
  readonly env?: NodeJS.ProcessEnv
  readonly timeoutMs: number
  /** What to do when the drivers end the process. */
  readonly next: string
}

/** What a process that was asked sends. */
type Answer =
  | { readonly found: unknown }
  | { readonly error: { code: ErrorCode; message: string; next: string | undefined } }

/**
 * What drivers say to a process of their own, for they print, hang and crash.
 * @throws what the process threw, or GPU_DRIVER when it ended without a word
 */
export async function askDrivers<T>(options: AskOptions): Promise<T> {
  const { module, args = [], env = {}, timeoutMs, next } = options
  const child = fork(fileURLToPath(module), [...args], {
    execArgv: [],
    env: { ...driverEnv(process.env), ...env },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  let answer: Answer | undefined
  child.once('message', (message) => {
    answer = message as Answer
  })
  // What was sent last may come after the end.
  const [[code, signal]] = await Promise.all([once(child, 'exit'), once(child, 'disconnect')])
  if (answer === undefined) {
    const how = signal ?? code
    throw new NodeError('GPU_DRIVER', `drivers end the process that asks them (${how})`, { next })
  }
  if ('found' in answer) return answer.found as T
  const { code: fault, message, next: advice } = answer.error
  throw new NodeError(fault, message, advice === undefined ? {} : { next: advice })
}

/** Sends what this process found, or the error, and ends it: drivers keep threads that would hold it. */
export async function answerParent(find: () => Promise<unknown>): Promise<void> {
  const answer: Answer = await find().then(
    (found) => ({ found }),
    (error: unknown) => ({
      error: {
        code: codeOf(error),
        message: messageOf(error),
        next: error instanceof NodeError ? error.next : undefined,
      },
    }),
  )
  process.send?.(answer, () => process.exit())
}

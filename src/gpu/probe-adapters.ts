import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { NodeError } from '../errors.ts'
import { siblingModule } from '../thread.ts'
import { driverEnv } from './driver-env.ts'
import type { ProbeAnswer } from './probe-adapters-process.ts'
import type { WebgpuAdapter } from './webgpu-adapters.ts'

/** Drivers of many GPUs take a second or two to load. */
const TIMEOUT_MS = 20_000

/**
 * What `listWebgpuAdapters` says, from a process of its own: graphics drivers print, hang and crash.
 * @throws GPU_BACKEND_MISSING, or GPU_DRIVER when they did
 */
export async function probeWebgpuAdapters({
  module = siblingModule(import.meta.url, 'probe-adapters-process'),
  timeoutMs = TIMEOUT_MS,
} = {}): Promise<WebgpuAdapter[]> {
  const child = fork(fileURLToPath(module), [], {
    execArgv: [],
    env: driverEnv(process.env),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  let answer: ProbeAnswer | undefined
  child.once('message', (message) => {
    answer = message as ProbeAnswer
  })
  // What was sent last may come after the end.
  const [[code, signal]] = await Promise.all([once(child, 'exit'), once(child, 'disconnect')])
  if (answer === undefined) {
    throw new NodeError('GPU_DRIVER', `graphics drivers end the process (${signal ?? code})`, {
      next: 'update or remove the drivers: vulkaninfo shows which one fails',
    })
  }
  if ('adapters' in answer) return answer.adapters
  const { code: fault, message, next } = answer.error
  throw new NodeError(fault, message, next === undefined ? {} : { next })
}

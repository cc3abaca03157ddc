import { execFile } from 'node:child_process'
import { messageOf, NodeError } from '../../errors.ts'
import { MiB } from '../../units.ts'
import { driverEnv } from '../driver-env.ts'

export interface ToolOptions {
  /** By default what drivers read of this process's environment. */
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly timeoutMs: number
}

/** How a vendor's program ended. */
export interface ToolRun {
  readonly ok: boolean
  readonly stdout: string
  /** What it said before it failed: the first line of its output, else the system's words. */
  readonly reason: string
}

/** A PATH with a folder that this user may not search makes EACCES of what is nowhere. */
const ABSENT: ReadonlySet<unknown> = new Set(['ENOENT', 'EACCES'])

/**
 * Runs a vendor's program to its end; undefined where it is not installed. One that takes too long is killed and left
 * behind: a process inside a hung driver may not even die.
 * @throws GPU_DRIVER_TIMEOUT
 */
export function runTool(
  name: string,
  args: readonly string[],
  { env = driverEnv(process.env), timeoutMs }: ToolOptions,
): Promise<ToolRun | undefined> {
  return new Promise((resolve, reject) => {
    let timedOut = false
    const child = execFile(name, args, { env, maxBuffer: 8 * MiB }, (error, stdout, stderr) => {
      clearTimeout(timer)
      if (timedOut) return
      if (ABSENT.has((error as NodeJS.ErrnoException | null)?.code)) return resolve(undefined)
      resolve({ ok: error === null, stdout, reason: reasonIn(stdout, stderr, error) })
    })
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
      child.unref()
      for (const pipe of [child.stdout, child.stderr]) pipe?.destroy()
      reject(
        new NodeError('GPU_DRIVER_TIMEOUT', `${name} failed: no answer in ${timeoutMs} ms`, {
          next: `run ${name} yourself: the driver may need a restart`,
        }),
      )
    }, timeoutMs)
  })
}

const reasonIn = (stdout: string, stderr: string, error: Error | null): string =>
  [stdout, stderr, error === null ? '' : messageOf(error)]
    .map((text) => text.trim().split('\n')[0] ?? '')
    .find((line) => line !== '') ?? ''

/** The failure of a program that is installed and does not work. */
export const toolFailed = (name: string, reason: string): NodeError =>
  new NodeError('GPU_DRIVER_FAILED', `${name} failed: ${reason}`, {
    next: `run ${name} yourself: the driver may need a restart or an update`,
  })

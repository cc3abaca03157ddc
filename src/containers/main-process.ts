import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { PassThrough, type Readable } from 'node:stream'
import { NodeError } from '../errors.ts'
import type { Exec } from './engine.ts'
import { exitCodeOf } from './process-exec.ts'
import type { LeaseFolder } from './process-state.ts'
import { type Mark, markedProcesses, processFacts, signalProcess } from './process-table.ts'

/** The process that a lease's command is. */
export interface MainProcess {
  /** Its streams, made before it starts. */
  attach(): Exec
  /** Starts it and tells what names it for good. */
  start(): Promise<{ readonly pid: number; readonly startTicks: number }>
  /** Its exit code once it ended; undefined before. */
  exitCode(): number | undefined
  readonly ended: Promise<number>
}

export interface MainProcessOptions {
  readonly command: readonly string[]
  readonly folder: LeaseFolder
  readonly env: Readonly<Record<string, string>>
  readonly mark: Mark
}

/** Keeps the exit code in a file, for a restarted node, which is not the process's parent. */
const KEEP_EXIT_CODE = 'file=$1; shift; "$@"; code=$?; echo $code >"$file"; exit $code'

/** The main process of a lease, not started yet. Its output is kept in the lease's folder, attached or not. */
export function createMainProcess({ command, folder, env, mark }: MainProcessOptions): MainProcess {
  const ended = Promise.withResolvers<number>()
  let exitCode: number | undefined
  let streams: Streams | undefined

  return {
    ended: ended.promise,
    exitCode: () => exitCode,
    attach() {
      streams ??= { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
      return {
        ...streams,
        exitCode: ended.promise,
        resize: async () => undefined, // it has no terminal
        async kill(signal = 'SIGKILL') {
          for (const pid of await markedProcesses(mark)) signalProcess(pid, signal)
        },
      }
    },
    async start() {
      const logs = [
        await open(folder.stdoutLog, 'a', 0o600),
        await open(folder.stderrLog, 'a', 0o600),
      ]
      const args = ['-c', KEEP_EXIT_CODE, 'sh', folder.exitFile, ...command]
      const child = spawn('/bin/sh', args, {
        cwd: folder.home,
        env,
        detached: true,
        stdio: streams === undefined ? ['ignore', logs[0]!.fd, logs[1]!.fd] : 'pipe',
      })
      child.once('exit', (code, signal) => {
        exitCode = exitCodeOf(code, signal)
        ended.resolve(exitCode)
      })
      if (streams !== undefined) connect(child, streams, folder)
      try {
        await once(child, 'spawn')
      } finally {
        for (const file of logs) await file.close()
      }
      return identify(child.pid!)
    },
  }
}

interface Streams {
  readonly stdin: PassThrough
  readonly stdout: PassThrough
  readonly stderr: PassThrough
}

function connect(child: ChildProcess, streams: Streams, folder: LeaseFolder): void {
  const { stdin, stdout, stderr } = child
  if (stdin === null || stdout === null || stderr === null) return
  stdin.on('error', () => undefined) // a command that has ended reads nothing more
  streams.stdin.pipe(stdin)
  for (const [from, to, log] of [
    [stdout, streams.stdout, folder.stdoutLog],
    [stderr, streams.stderr, folder.stderrLog],
  ] as const) {
    from.pipe(to)
    keep(from, log)
  }
}

function keep(output: Readable, path: string): void {
  const file = createWriteStream(path, { flags: 'a', mode: 0o600 })
  file.on('error', () => output.unpipe(file)) // the lease was removed with its folder, or the disk is full
  output.pipe(file)
}

/** A process that ended at once has no start time any more; its exit code is kept all the same. */
async function identify(pid: number): Promise<{ pid: number; startTicks: number }> {
  if (pid === undefined) throw new NodeError('ENGINE_FAILED', '/bin/sh could not be started')
  return { pid, startTicks: (await processFacts(pid))?.startTicks ?? 0 }
}

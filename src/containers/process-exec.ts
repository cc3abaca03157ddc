import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readlink } from 'node:fs/promises'
import { constants } from 'node:os'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { messageOf, NodeError } from '../errors.ts'
import type {
  Exec,
  ExecOptions,
  ExecSignal,
  Signalled,
  SpawnOptions,
  TerminalSize,
} from './engine.ts'
import { newExecMark } from './exec-mark.ts'
import { endMarked, type Mark, markedProcesses, signalProcess } from './process-table.ts'
import { notStarted, type StartRefusal } from './start-refusal.ts'

export type PipedChild = ChildProcessByStdio<Writable, Readable, Readable>

/** The code a shell would give: the process's own, or 128 and the signal's number. */
export const exitCodeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal])

/** Runs `command` as a process of this machine, in a group of its own. It cannot be found: exit code 127, as in a shell. */
export async function processExec(
  command: readonly string[],
  options: ExecOptions & { readonly home: string },
): Promise<Exec> {
  const { env = {}, tty = false, size, home, workingDir = home, signal } = options
  signal?.throwIfAborted()
  assertNoUser(options)
  const mark = newExecMark()
  const [program = '', ...args] = tty ? inTerminal(command, size) : command
  const child = spawn(program, args, {
    cwd: workingDir,
    env: { ...env, ...(tty ? { TERM: env['TERM'] ?? 'xterm' } : {}), [mark.name]: mark.value },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  child.stdin.on('error', () => undefined) // a command that has ended reads nothing more
  try {
    await once(child, 'spawn')
  } catch (error) {
    return neverStarted(program, error)
  }
  const kill = async (name: ExecSignal = 'SIGKILL', whom: Signalled = 'all'): Promise<void> => {
    if (whom === 'command') child.kill(name)
    else await signalTree(child, `${mark.name}=${mark.value}`, name)
  }
  const exec: Exec = {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exitCode: once(child, 'exit').then(([code, by]) => exitCodeOf(code, by)),
    resize: (to) => (tty ? resizeTerminals(`${mark.name}=${mark.value}`, to) : Promise.resolve()),
    kill,
  }
  const onAbort = (): void => {
    kill().catch((error) => child.stdout.destroy(error))
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  child.once('exit', () => signal?.removeEventListener('abort', onAbort))
  return exec
}

/** Starts `command` with nobody attached; resolves with its mark's value. */
export async function processSpawn(
  command: readonly string[],
  options: SpawnOptions & { readonly home: string },
): Promise<string> {
  const { env = {}, home, workingDir = home } = options
  assertNoUser(options)
  const mark = newExecMark()
  const [program = '', ...args] = command
  const child = spawn(program, args, {
    cwd: workingDir,
    env: { ...env, [mark.name]: mark.value },
    stdio: 'ignore',
    detached: true,
  })
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw notStarted(refusalOf(program, cause), cause)
  }
  child.unref()
  return mark.value
}

function assertNoUser({ user }: SpawnOptions): void {
  if (user === undefined) return
  throw new NodeError('ENGINE_UNSUPPORTED', 'the process engine runs commands as its own user', {
    next: 'leave --user out, or use a miner with a Docker Engine',
  })
}

/** script(1) gives no way to its terminal's size, but the processes in it have it open. */
async function resizeTerminals(mark: Mark, { columns, rows }: TerminalSize): Promise<void> {
  const inputs = await Promise.all(
    (await markedProcesses(mark)).map((pid) => readlink(`/proc/${pid}/fd/0`).catch(() => '')),
  )
  for (const terminal of new Set(inputs.filter((path) => path.startsWith('/dev/pts/')))) {
    const stty = spawn('stty', ['-F', terminal, 'cols', `${columns}`, 'rows', `${rows}`], {
      stdio: 'ignore',
    })
    await once(stty, 'close').catch(() => undefined) // without stty the size stays as it was
  }
}

/** The process and what it started, oldest first; SIGKILL also its group, until none is left. */
async function signalTree(child: PipedChild, mark: Mark, signal: ExecSignal): Promise<void> {
  const runs = child.exitCode === null && child.signalCode === null
  if (signal === 'SIGKILL') await endMarked(mark, runs ? [child.pid!] : [], 0)
  else for (const pid of await markedProcesses(mark)) signalProcess(pid, signal)
}

function refusalOf(program: string, error: unknown): StartRefusal {
  const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
  const says = `${program}: ${isMissing ? 'not found' : messageOf(error)}`
  return { says, exitCode: isMissing ? 127 : 126 }
}

function neverStarted(program: string, error: unknown): Exec {
  const refusal = refusalOf(program, error)
  const stdin = new PassThrough().resume()
  const stdout = new PassThrough().end()
  const stderr = new PassThrough().end(`${refusal.says}\n`)
  const exitCode = Promise.resolve(refusal.exitCode)
  return {
    stdin,
    stdout,
    stderr,
    exitCode,
    resize: async () => undefined,
    kill: async () => undefined,
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** Node has no pseudo-terminals of its own; script(1) is on every Debian and macOS. */
function inTerminal(command: readonly string[], size: ExecOptions['size']): string[] {
  const line = `exec ${command.map(quoted).join(' ')}`
  const sized = size === undefined ? line : `stty rows ${size.rows} cols ${size.columns}; ${line}`
  return ['script', '-qec', sized, '/dev/null']
}

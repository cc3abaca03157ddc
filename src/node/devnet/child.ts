import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { deadline } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import { minutesMs, secondsMs } from '../../units.ts'

/** One running process of the devnet. */
export interface Child {
  readonly name: string
  readonly pid: number
  /** The JSON of its `ready` line. */
  readonly ready: Readonly<Record<string, unknown>>
  /** Settles when it has ended, whatever the reason; resolves with a short text for people. */
  readonly ended: Promise<string>
  /** Whether it was told to end. */
  wasStopped(): boolean
  stop(): Promise<void>
}

export interface ChildOptions {
  readonly name: string
  /** The program's file, and arguments that come before the others; compute-node where none is named. */
  readonly program?: readonly string[] | undefined
  /** Arguments of `compute-node`. */
  readonly args: readonly string[]
  readonly dataDir: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** Told now and then of how long it takes, where it takes long. */
  readonly onSlow?: ((text: string) => void) | undefined
}

const entry = join(import.meta.dirname, '../../../bin/compute-node.js')
/** A start takes seconds of processor, and a market starts five nodes at once, maybe on two cores that do other work. */
const READY_MS = minutesMs(3)
const SLOW_MS = secondsMs(20)
/** A miner takes its containers with it; one that is killed leaves them to nobody, for a fresh devnet has other keys. */
const STOP_MS = secondsMs(45)

/**
 * Starts one compute-node process and waits for its `ready` line. Its log goes to `<dataDir>/node.log`; the IPC
 * channel ends with this process, at which it stops too, so a killed devnet leaves no orphan.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 })
  const logFile = join(options.dataDir, 'node.log')
  const { program = [entry], args } = options
  const process_ = spawn(process.execPath, [...program, ...args], {
    env: { ...options.env, COMPUTE_NODE_LAUNCHED: '1' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Its own group: Ctrl-C in the terminal reaches the devnet alone, which then stops all in order.
    detached: true,
  })
  process_.stderr?.pipe(createWriteStream(logFile, { flags: 'a', mode: 0o600 }))
  const ended = new Promise<string>((resolve) => {
    process_.once('error', (error) => resolve(error.message))
    process_.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
  try {
    const ready = await readyLine(process_, ended, options, logFile)
    let stopped = false
    return {
      name: options.name,
      pid: process_.pid!,
      ready,
      ended,
      wasStopped: () => stopped,
      stop() {
        stopped = true
        return stopProcess(process_, ended)
      },
    }
  } catch (error) {
    await stopProcess(process_, ended)
    throw error
  }
}

async function readyLine(
  child: ChildProcess,
  ended: Promise<string>,
  { name, signal, onSlow }: ChildOptions,
  logFile: string,
): Promise<Record<string, unknown>> {
  using limit = deadline(signal, READY_MS)
  const startedAtMs = performance.now()
  const slow = setInterval(() => {
    onSlow?.(`${name} is not ready after ${Math.round((performance.now() - startedAtMs) / 1000)} s`)
  }, SLOW_MS)
  const lines = createInterface({ input: child.stdout! })
  const ready = new Promise<Record<string, unknown>>((resolve) => {
    lines.on('line', (line) => {
      const parsed = parseLine(line)
      if (parsed?.['event'] === 'ready') resolve(parsed)
    })
  })
  const failed = (how: string, advice = '') =>
    new NodeError('FAILED_DEVNET', `${name} did not start: ${how}`, {
      next: `read ${logFile}${advice}`,
    })
  const gone = ended.then((how) => Promise.reject(failed(how)))
  const tooSlow = () =>
    failed(`it is not ready after ${READY_MS / 1000} s`, '; end what else keeps this machine busy')
  const late = new Promise<never>((_, reject) => {
    limit.signal.addEventListener('abort', () => reject(signal.aborted ? signal.reason : tooSlow()))
  })
  try {
    return await Promise.race([ready, gone, late])
  } finally {
    clearInterval(slow)
  }
}

function parseLine(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined // a line for people that happens to start with a brace
  }
}

async function stopProcess(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(timer)
  if (child.connected) child.disconnect()
}

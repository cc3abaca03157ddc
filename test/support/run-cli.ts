import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

const entry = join(import.meta.dirname, '../../bin/compute-node.js')

/** Without what the tests' own run left in the environment. */
const cleanEnv = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(COMPUTE_NODE_|VITEST|NODE_OPTIONS)/.test(name),
    ),
  )

export interface CliRun {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly env?: NodeJS.ProcessEnv
  /** The Node that runs the launcher; this test's own unless another is named. */
  readonly node?: string
}

/** A test that failed leaves nothing running. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts the program as a person would: a process of its own. The caller ends it. */
export function startCli(
  args: readonly string[],
  { env = {}, node }: CliOptions = {},
): ChildProcess {
  const child = spawn(node ?? process.execPath, [entry, ...args], {
    env: { ...cleanEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Runs one command line to its end. */
export async function runCli(args: readonly string[], options?: CliOptions): Promise<CliRun> {
  const child = startCli(args, options)
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close'),
  ])
  return { exitCode, stdout, stderr }
}

/** The first line that a process prints on stdout; throws with its stderr when it ends before. */
export async function firstLine(child: ChildProcess): Promise<string> {
  const stderr = text(child.stderr!)
  for await (const line of createInterface({ input: child.stdout! })) return line
  throw new Error(`it ended before it said anything: ${await stderr}`)
}

/** Sends a signal and waits for the end. */
export async function endWith(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const ended = once(child, 'exit')
  child.kill(signal)
  return (await ended)[0]
}

/** Waits until a file appears; throws with its stderr when the process that should make it ends before. */
export async function untilExists(path: string, child: ChildProcess): Promise<void> {
  while (!existsSync(path)) {
    if (child.exitCode !== null) throw new Error(`it ended early: ${await text(child.stderr!)}`)
    await sleep(50)
  }
}

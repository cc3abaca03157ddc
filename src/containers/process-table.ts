import { readdir, readFile } from 'node:fs/promises'
import { sleep } from '../clock.ts'
import { NodeError } from '../errors.ts'

/** An environment variable that a process and all it starts carry, e.g. `CN_CONTAINER=ab12`. */
export type Mark = `${string}=${string}`

export interface ProcessFacts {
  /** Clock ticks from boot to its start: with the pid, it names one process for good. */
  readonly startTicks: number
  /** User and system time, in clock ticks (100 per second). */
  readonly cpuTicks: number
  readonly residentPages: number
  readonly group: number
  /** A thread of the kernel: it has no environment at all. */
  readonly kernel: boolean
}

const PF_KTHREAD = 0x200000

/** Facts of a running process (Linux), or undefined when there is none, or only its zombie. */
export async function processFacts(pid: number): Promise<ProcessFacts | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined) // it has ended
  if (text === undefined) return undefined
  // The program's name, in brackets, may hold spaces and brackets itself; the fields after it do not.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const state = fields[0] ?? 'X'
  if (state === 'Z' || state === 'X') return undefined
  return {
    group: Number(fields[2]),
    kernel: (Number(fields[6]) & PF_KTHREAD) !== 0,
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    startTicks: Number(fields[19]),
    residentPages: Number(fields[21]),
  }
}

async function allProcesses(): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []) // a system without it has marks for nobody
  return names.map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid)
}

async function only(test: (pid: number) => Promise<boolean>): Promise<number[]> {
  const pids = await allProcesses()
  const found = await Promise.all(pids.map(async (pid) => ((await test(pid)) ? pid : 0)))
  return found.filter((pid) => pid !== 0).sort((a, b) => a - b)
}

/** Processes that bear the mark, oldest first; none where the system has no /proc. */
export const markedProcesses = (mark: Mark): Promise<number[]> => only((pid) => bears(pid, mark))

/** A process that is just being replaced by another program shows no environment for a moment: it is asked again. */
async function bears(pid: number, mark: Mark): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => undefined)
    if (environment === undefined) return false // it has ended, or is another user's
    if (environment !== '') return environment.split('\0').includes(mark)
    if (tries === 4 || (await processFacts(pid))?.kernel !== false) return false
    await sleep(5)
  }
}

/** Signals a process or, when negative, a process group; false when there is none. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** Looks for processes that were being started meanwhile, at most. */
const MAX_LOOKS = 20

/** Sends every process that bears the mark a signal, again until a look finds none that was not told. */
export async function signalMarked(mark: Mark, signal: NodeJS.Signals): Promise<void> {
  const told = new Set<number>()
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const fresh = (await markedProcesses(mark)).filter((pid) => !told.has(pid))
    if (fresh.length === 0) return
    for (const pid of fresh) {
      signalProcess(pid, signal)
      told.add(pid)
    }
  }
}

const CHECK_EVERY_MS = 25

/**
 * Ends every process that bears the mark, and the groups given: SIGTERM, and SIGKILL after the grace, repeated until
 * none is left. ENGINE_FAILED after `limitMs` more if some cannot be killed.
 */
export async function endMarked(
  mark: Mark,
  groups: readonly number[],
  graceMs: number,
  limitMs = 10_000,
): Promise<void> {
  const startedMs = performance.now()
  const told = new Set<number>()
  for (;;) {
    const left = await only(async (pid) => (await inGroup(pid, groups)) || (await bears(pid, mark)))
    if (left.length === 0) return
    const elapsedMs = performance.now() - startedMs
    if (elapsedMs > graceMs + limitMs) {
      throw new NodeError('ENGINE_FAILED', `processes ${left.join(', ')} cannot be ended`, {
        next: 'look at them with ps; a restart of the machine ends them',
      })
    }
    for (const pid of left) {
      if (elapsedMs >= graceMs) signalProcess(pid, 'SIGKILL')
      else if (!told.has(pid)) signalProcess(pid, 'SIGTERM')
      told.add(pid)
    }
    await sleep(CHECK_EVERY_MS)
  }
}

/** A zombie does not count: it is dead, and its parent may never collect it. */
async function inGroup(pid: number, groups: readonly number[]): Promise<boolean> {
  if (groups.length === 0) return false
  const facts = await processFacts(pid)
  return facts !== undefined && groups.includes(facts.group)
}

import { readdir, readFile } from 'node:fs/promises'
import { sleep } from '../clock.ts'

/** An environment variable that a process and all it starts carry, e.g. `CN_CONTAINER=ab12`. */
export type Mark = `${string}=${string}`

export interface ProcessFacts {
  /** Clock ticks from boot to its start: with the pid, it names one process for good. */
  readonly startTicks: number
  /** User and system time, in clock ticks (100 per second). */
  readonly cpuTicks: number
  readonly residentPages: number
  readonly state: string
}

/** Facts of a running process (Linux), or undefined when there is none, or only its zombie. */
export async function processFacts(pid: number): Promise<ProcessFacts | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  if (text === undefined) return undefined
  // The program's name, in brackets, may hold spaces and brackets itself; the fields after it do not.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const state = fields[0] ?? 'X'
  if (state === 'Z' || state === 'X') return undefined
  return {
    state,
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    startTicks: Number(fields[19]),
    residentPages: Number(fields[21]),
  }
}

/** Processes that bear the mark, oldest first; none where the system has no /proc. */
export async function markedProcesses(mark: Mark): Promise<number[]> {
  const names = await readdir('/proc').catch(() => [])
  const pids = names.map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid)
  const found = await Promise.all(pids.map(async (pid) => ((await bears(pid, mark)) ? pid : 0)))
  return found.filter((pid) => pid !== 0).sort((a, b) => a - b)
}

async function bears(pid: number, mark: Mark): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
  return environment.split('\0').includes(mark)
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

const CHECK_EVERY_MS = 25

/**
 * Ends every process that bears the mark, and the groups given: SIGTERM, and SIGKILL after the grace, repeated until
 * none is left. Throws after `limitMs` if some cannot be killed.
 */
export async function endMarked(
  mark: Mark,
  groups: readonly number[],
  graceMs: number,
  limitMs = 10_000,
): Promise<void> {
  const startedMs = performance.now()
  const elapsedMs = (): number => performance.now() - startedMs
  let signalled = false
  for (;;) {
    const marked = await markedProcesses(mark)
    const livingGroups = groups.filter((group) => groupLives(group))
    if (marked.length === 0 && livingGroups.length === 0) return
    if (elapsedMs() > graceMs + limitMs) {
      throw new Error(
        `processes ${[...marked, ...livingGroups.map((g) => -g)].join(', ')} cannot be killed`,
      )
    }
    const kill = elapsedMs() >= graceMs
    if (kill || !signalled) {
      const signal = kill ? 'SIGKILL' : 'SIGTERM'
      for (const pid of marked) signalProcess(pid, signal)
      for (const group of livingGroups) signalProcess(-group, signal)
      signalled = true
    }
    await sleep(CHECK_EVERY_MS)
  }
}

/** True while the group has a member; a zombie counts, but its parent collects it at once or has died. */
function groupLives(group: number): boolean {
  try {
    return process.kill(-group, 0)
  } catch {
    return false // ESRCH: none; EPERM: not ours any more
  }
}

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '../clock.ts'
import { NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Container, ContainerStatus, ContainerUsage, SpawnOptions } from './engine.ts'
import { hostFileTools } from './file-tools.ts'
import { createMainProcess, type MainProcess } from './main-process.ts'
import { dialMarked } from './process-dial.ts'
import { processExec, processSpawn } from './process-exec.ts'
import {
  type LeaseFolder,
  type ProcessState,
  readExitCode,
  readState,
  removeFolder,
  writeState,
} from './process-state.ts'
import {
  endMarked,
  type Mark,
  markedProcesses,
  processFacts,
  signalMarked,
} from './process-table.ts'

const GRACE_MS = 5_000
const POLL_MS = 200
const PAGE_BYTES = 4096
const TICK_MS = 10
const KILLED = 137

export interface ProcessContainerParts {
  readonly folder: LeaseFolder
  readonly state: ProcessState
  readonly log: Log
}

/** What every process of a container carries, so that none is forgotten. */
const markOf = (state: ProcessState): Mark => `CN_CONTAINER=${state.id}`

/** Nothing of the node's own environment: it may hold secrets. */
const environment = (folder: LeaseFolder, state: ProcessState): Record<string, string> => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: folder.home,
  TMPDIR: join(folder.home, 'tmp'),
  LANG: 'C.UTF-8',
  ...state.env,
  CN_CONTAINER: state.id,
})

/** A lease's processes on this machine, by the state that its folder keeps. Nothing isolates them. */
export function processContainer({
  folder,
  state: initial,
  log,
}: ProcessContainerParts): Container {
  let state = initial
  let main: MainProcess | undefined
  const mark = markOf(state)
  const { id, leaseId, command } = state

  const save = async (change: Partial<ProcessState>): Promise<void> => {
    state = { ...state, ...change }
    await writeState(folder, state)
  }
  const theMain = (): MainProcess => {
    main ??= createMainProcess({
      command: command ?? [],
      folder,
      env: environment(folder, state),
      mark,
    })
    return main
  }
  // Our own child tells its end; one that a former node started is looked up.
  const exitCode = async (kept: ProcessState): Promise<number | undefined> =>
    main === undefined ? endedWith(folder, kept) : main.exitCode()
  const status = async (): Promise<ContainerStatus> => {
    const kept = await readState(folder)
    if (kept?.id !== id) return 'gone'
    if (!kept.started) return 'created'
    const alive = kept.paused === true ? 'paused' : 'running'
    if (command === undefined) return alive
    return (await exitCode(kept)) === undefined ? alive : 'exited'
  }
  const assertRunning = async (): Promise<void> => {
    const now = await status()
    if (now === 'running') return
    throw new NodeError(
      now === 'gone' ? 'ENGINE_GONE' : 'ENGINE_CONFLICT',
      `the lease's container does not run (${now})`,
    )
  }
  const placeOf = ({ env = {} }: SpawnOptions) => ({
    env: { ...environment(folder, state), ...env, CN_CONTAINER: id },
    home: folder.home,
  })

  return {
    id,
    leaseId,
    get expiresAtMs() {
      return state.expiresAtMs
    },
    async start() {
      await save({ started: true })
      if (command === undefined) return
      await save({ main: await theMain().start() })
      theMain()
        .ended.then(() => endMarked(mark, [], 0))
        .catch((error) => log.error('leftovers-not-ended', error, { lease: leaseId }))
    },
    async attach() {
      return theMain().attach()
    },
    async exec(execCommand, options = {}) {
      await assertRunning()
      return processExec(execCommand, { ...options, ...placeOf(options) })
    },
    async spawn(spawnCommand, options = {}) {
      await assertRunning()
      return processSpawn(spawnCommand, { ...options, ...placeOf(options) })
    },
    async dial(port, signal) {
      await assertRunning()
      return dialMarked(mark, port, signal)
    },
    tools: [],
    fileTools: hostFileTools,
    status,
    async wait(signal) {
      for (;;) {
        const kept = await readState(folder)
        if (kept?.id !== id) throw new NodeError('ENGINE_GONE', 'the container was removed')
        const code = kept.started && command !== undefined ? await exitCode(kept) : undefined
        if (code !== undefined) return { exitCode: code }
        await sleep(POLL_MS, signal)
      }
    },
    async end() {
      const kept = await readState(folder)
      if (kept?.id !== id) throw new NodeError('ENGINE_GONE', 'the container was removed')
      const code = kept.started && command !== undefined ? await exitCode(kept) : undefined
      if (code === undefined) return undefined
      // Nothing here tells a signal of its own from one of the host: the same user runs both.
      return { exitCode: code, cause: 'exited' }
    },
    async pause() {
      await save({ paused: true })
      await signalMarked(mark, 'SIGSTOP')
    },
    async resume() {
      const kept = await readState(folder)
      if (kept?.id !== id || kept.paused !== true) return
      await signalMarked(mark, 'SIGCONT')
      await save({ paused: false })
    },
    async logs({ tailLines } = {}) {
      const [stdout, stderr] = await Promise.all(
        [folder.stdoutLog, folder.stderrLog].map((path) => tail(path, tailLines)),
      )
      return { stdout: stdout!, stderr: stderr! }
    },
    async readLogs({ follow = false, since, timestamps = false, tail: lines }) {
      if (follow || timestamps || since !== undefined) {
        throw new NodeError('ENGINE_UNSUPPORTED', 'the process engine keeps no times of its logs', {
          next: 'leave out --follow, --since and --timestamps, or use a miner with a Docker Engine',
        })
      }
      return storedLogs(folder, lines)
    },
    outOfMemory: async function* () {}, // no limit holds its memory
    usage: () => usageOf(mark),
    snapshot: () =>
      Promise.reject(
        new NodeError(
          'ENGINE_UNSUPPORTED',
          'the process engine runs no images that could be taken',
          {
            next: 'copy the files instead, or take an offer with engine=docker',
          },
        ),
      ),
    diskBytes: async () => undefined, // its files lie among those of its user
    extend: (expiresAtMs) => save({ expiresAtMs }),
    async remove({ graceMs = command === undefined ? 0 : GRACE_MS } = {}) {
      const kept = await readState(folder)
      if (kept?.id !== id) return
      if (kept.paused === true) await signalMarked(mark, 'SIGCONT') // a stopped process hears no SIGTERM
      await endMarked(mark, await ownGroup(kept), graceMs)
      await removeFolder(folder)
    },
  }
}

/** The main process's exit code, or undefined while it runs. A process that left no code was killed. */
async function endedWith(folder: LeaseFolder, state: ProcessState): Promise<number | undefined> {
  const code = await readExitCode(folder)
  if (code !== undefined) return code
  const living = state.main === undefined ? markedProcesses(markOf(state)) : ownGroup(state)
  return (await living).length > 0 ? undefined : KILLED
}

/** The main process's group, unless its pid belongs to another process by now. */
async function ownGroup({ main }: ProcessState): Promise<number[]> {
  if (main === undefined) return []
  const facts = await processFacts(main.pid)
  return facts?.startTicks === main.startTicks ? [main.pid] : []
}

/** Nobody knows when it was printed, so its time is the beginning of all. */
async function* storedLogs(folder: LeaseFolder, lines: number | undefined) {
  const at = '1970-01-01T00:00:00.000000000Z'
  yield { stream: 'stdout' as const, at, data: await tail(folder.stdoutLog, lines) }
  yield { stream: 'stderr' as const, at, data: await tail(folder.stderrLog, lines) }
}

async function tail(path: string, lines: number | undefined): Promise<Uint8Array> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0)) // it has not written anything yet
  if (lines === undefined) return bytes
  const rows = bytes.toString('latin1').split('\n')
  const ended = rows.at(-1) === '' ? 1 : 0
  return Buffer.from(rows.slice(-(lines + ended)).join('\n'), 'latin1')
}

async function usageOf(mark: Mark): Promise<ContainerUsage> {
  const pids = await markedProcesses(mark)
  const facts = (await Promise.all(pids.map(processFacts))).filter((found) => found !== undefined)
  const sum = (of: (one: (typeof facts)[number]) => number): number =>
    facts.reduce((total, one) => total + of(one), 0)
  return {
    atMs: Date.now(),
    cpuMs: sum(({ cpuTicks }) => cpuTicks) * TICK_MS,
    memoryBytes: sum(({ residentPages }) => residentPages) * PAGE_BYTES,
    processes: facts.length,
  }
}

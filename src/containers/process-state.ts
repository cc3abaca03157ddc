import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** What a restarted node needs to find a lease's processes. */
export interface ProcessState {
  readonly version: 1
  readonly id: string
  readonly leaseId: string
  readonly expiresAtMs: number
  readonly env: Readonly<Record<string, string>>
  readonly command?: readonly string[] | undefined
  readonly started: boolean
  /** Whether its processes were stopped where they were. */
  readonly paused?: boolean | undefined
  /** The main process; none while it idles. */
  readonly main?: { readonly pid: number; readonly startTicks: number } | undefined
}

/** The folder of one lease: `state.json`, `home/`, the main process's kept output and its exit code. */
export interface LeaseFolder {
  readonly path: string
  readonly home: string
  readonly stdoutLog: string
  readonly stderrLog: string
  readonly exitFile: string
}

export function leaseFolder(stateDir: string, leaseId: string): LeaseFolder {
  if (!/^[0-9a-zA-Z]{1,128}$/.test(leaseId)) throw new RangeError(`not a lease id: ${leaseId}`)
  const path = join(stateDir, leaseId)
  const at = (name: string): string => join(path, name)
  return {
    path,
    home: at('home'),
    stdoutLog: at('stdout.log'),
    stderrLog: at('stderr.log'),
    exitFile: at('exit'),
  }
}

/** Makes the folder, its home included; false when it exists already. */
export async function makeFolder(folder: LeaseFolder): Promise<boolean> {
  const made = await mkdir(folder.path, { recursive: true, mode: 0o700 })
  if (made === undefined) return false
  await mkdir(join(folder.home, 'tmp'), { recursive: true, mode: 0o700 })
  return true
}

/** Replaces the state whole: a crash leaves the old or the new, never half of one. */
export async function writeState(folder: LeaseFolder, state: ProcessState): Promise<void> {
  const next = join(folder.path, 'state.json.new')
  const file = await open(next, 'w', 0o600)
  try {
    await file.writeFile(JSON.stringify(state))
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(next, join(folder.path, 'state.json'))
}

/** What stands for a file that is not there. Any other failure is thrown: a lease that cannot be read is not gone. */
const whenAbsent =
  <T>(fallback: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return fallback
    throw error
  }

/** Undefined when the lease has no (whole) state: it was removed, or never got as far as to start anything. */
export async function readState(folder: LeaseFolder): Promise<ProcessState | undefined> {
  const text = await readFile(join(folder.path, 'state.json'), 'utf8').catch(whenAbsent(undefined))
  return text === undefined ? undefined : (JSON.parse(text) as ProcessState)
}

/** The main process's exit code, once it ended by itself. */
export async function readExitCode(folder: LeaseFolder): Promise<number | undefined> {
  const text = await readFile(folder.exitFile, 'utf8').catch(whenAbsent(''))
  return /^\d+\n$/.test(text) ? Number(text) : undefined
}

/** Every lease that has a state under this folder. */
export async function listStates(stateDir: string): Promise<ProcessState[]> {
  const names = await readdir(stateDir).catch(whenAbsent<string[]>([]))
  const states = await Promise.all(
    names
      .filter((name) => /^[0-9a-zA-Z]+$/.test(name))
      .map((name) => readState(leaseFolder(stateDir, name))),
  )
  return states.filter((state) => state !== undefined)
}

export const removeFolder = (folder: LeaseFolder): Promise<void> =>
  rm(folder.path, { recursive: true, force: true })

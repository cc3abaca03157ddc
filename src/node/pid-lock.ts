import { randomBytes } from 'node:crypto'
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'

/** Who holds a lock file. */
export interface LockHolder {
  readonly pid: number
  /** When the process began, as the system counts; tells a reused pid apart. Empty where the system does not say. */
  readonly began: string
}

export type Lock = { release(): Promise<void> } | { heldBy: LockHolder }

/** Takes a lock file for this process, also from a process that is gone; throws only what the disk refuses. */
export async function acquireLock(path: string): Promise<Lock> {
  const mine: LockHolder = { pid: process.pid, began: (await beganAt(process.pid)) ?? '' }
  const text = JSON.stringify(mine)
  for (;;) {
    if (await createWhole(path, text)) return { release: () => removeIfMine(path, text) }
    const found = await readText(path)
    const holder = found === undefined ? undefined : parse(found)
    if (holder !== undefined && (await isAlive(holder))) return { heldBy: holder }
    if (found !== undefined) await removeStale(path, found)
  }
}

/** The live process that holds a lock file; undefined when none does. */
export async function readLock(path: string): Promise<LockHolder | undefined> {
  const found = await readText(path)
  const holder = found === undefined ? undefined : parse(found)
  return holder !== undefined && (await isAlive(holder)) ? holder : undefined
}

/** A link appears with its whole content or not at all, and only if nobody was first. */
async function createWhole(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if (codeIs(error, 'EEXIST')) return false
    throw error
  } finally {
    await unlink(draft)
  }
}

/** Moves a stale lock away; when somebody else replaced it meanwhile, theirs goes back. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${process.pid}.stale`
  try {
    await rename(path, aside)
  } catch (error) {
    if (codeIs(error, 'ENOENT')) return // somebody else was first: look again
    throw error
  }
  if ((await readText(aside)) !== stale) await restore(aside, path)
  await unlink(aside)
}

async function restore(aside: string, path: string): Promise<void> {
  try {
    await link(aside, path)
  } catch (error) {
    if (!codeIs(error, 'EEXIST')) throw error
  }
}

async function removeIfMine(path: string, text: string): Promise<void> {
  if ((await readText(path)) === text) await unlink(path)
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeIs(error, 'ENOENT')) return undefined
    throw error
  }
}

function parse(text: string): LockHolder | undefined {
  try {
    const { pid, began } = JSON.parse(text) as LockHolder
    return Number.isSafeInteger(pid) && pid > 0 ? { pid, began: String(began) } : undefined
  } catch {
    return undefined // no lock of ours: stale
  }
}

async function isAlive({ pid, began }: LockHolder): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!codeIs(error, 'EPERM')) return false
  }
  const now = await beganAt(pid)
  return now === undefined || began === '' || now === began
}

/** Field 22 of /proc/PID/stat; the command's name before it may hold spaces and brackets. */
async function beganAt(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined // no /proc on this system, or the process is gone
  }
}

const codeIs = (error: unknown, code: string): boolean =>
  (error as NodeJS.ErrnoException).code === code

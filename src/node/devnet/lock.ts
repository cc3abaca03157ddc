import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { sleep } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import { acquireLock, readLock } from '../pid-lock.ts'
import type { Layout } from './layout.ts'

const LOCK = 'lock'
/** How long processes of a devnet that was killed may take to end. */
const LEAVING_MS = secondsMs(20)
const LOOK_MS = 100

/**
 * Takes the devnet's folder for this process until disposed: refuses while another devnet runs there, removes the
 * state of the last one unless `keep`, and never touches a folder that is not a devnet's.
 * @throws BAD_CONFIG_RUNNING naming the process that runs; BAD_CONFIG_FOLDER
 */
export async function takeFolder(
  { root, stateFile }: Layout,
  keep: boolean,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  if (existsSync(root) && !existsSync(stateFile) && (await readdir(root)).length > 0) {
    throw new NodeError('BAD_CONFIG_FOLDER', `${root} is not empty and not a devnet's folder`, {
      next: 'choose another --data-dir',
    })
  }
  await mkdir(root, { recursive: true, mode: 0o700 })
  if (!existsSync(stateFile)) await writeFile(stateFile, '{}', { mode: 0o600 })
  const lock = await acquireLock(join(root, LOCK))
  if ('heldBy' in lock) throw await running(root, stateFile, lock.heldBy.pid)
  try {
    await untilLeft(root, signal)
    // The mark stays to the last: a folder half removed is still a devnet's.
    if (!keep) await empty(root, [LOCK, basename(stateFile)])
    await writeFile(stateFile, JSON.stringify({ startedAt: new Date().toISOString() }))
  } catch (error) {
    await lock.release()
    throw error
  }
  return { [Symbol.asyncDispose]: () => lock.release() }
}

async function running(root: string, stateFile: string, pid: number): Promise<NodeError> {
  const since = /"startedAt":"([^"]+)"/.exec(await readFile(stateFile, 'utf8'))?.[1]
  const when = since === undefined ? '' : `, since ${since}`
  return new NodeError('BAD_CONFIG_RUNNING', `a devnet runs in ${root}: process ${pid}${when}`, {
    next: `use it, or stop it with: kill ${pid}`,
  })
}

/** Nodes of a devnet that was killed notice it and stop by themselves. @throws BAD_CONFIG_RUNNING naming one that stays */
async function untilLeft(root: string, signal: AbortSignal): Promise<void> {
  const giveUpAtMs = Date.now() + LEAVING_MS
  const folders = (await readdir(root, { withFileTypes: true })).filter((one) => one.isDirectory())
  for (const { name } of folders) {
    for (;;) {
      const holder = await readLock(join(root, name, LOCK))
      if (holder === undefined) break
      if (Date.now() > giveUpAtMs) {
        throw new NodeError('BAD_CONFIG_RUNNING', `${name} still runs: process ${holder.pid}`, {
          next: `stop it with: kill ${holder.pid}`,
        })
      }
      await sleep(LOOK_MS, signal)
    }
  }
}

async function empty(root: string, except: readonly string[]): Promise<void> {
  for (const name of await readdir(root)) {
    if (!except.includes(name)) await rm(join(root, name), { recursive: true, maxRetries: 5 })
  }
}

import { hash } from 'node:crypto'
import { lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { NodeError } from '../errors.ts'
import { reasonOf } from './config.ts'
import { acquireLock, type LockHolder, readLock } from './pid-lock.ts'

/** Where a node keeps what must survive it. */
export interface DataFolder {
  readonly path: string
  /** The PeerId's key, 0600. */
  readonly keyFile: string
  /** The `level` database. */
  readonly storeFolder: string
  /** Options of this folder's node (a JSON file, optional). */
  readonly configFile: string
  /** The token that the loopback API asks for, 0600; a new one at every start. */
  readonly tokenFile: string
  readonly lockFile: string
  /** What `gpu bench` measured of this machine's line, JSON. */
  readonly inetFile: string
}

/** The layout of a data folder; touches nothing. */
export function dataFolder(dataDir: string): DataFolder {
  const path = resolve(dataDir)
  return {
    path,
    keyFile: join(path, 'identity.key'),
    storeFolder: join(path, 'store'),
    configFile: join(path, 'config.json'),
    tokenFile: join(path, 'control.token'),
    lockFile: join(path, 'lock'),
    inetFile: join(path, 'inet.json'),
  }
}

/** Makes the folder (0700) where it is missing; throws BAD_CONFIG_FOLDER. */
export async function createDataFolder(dataDir: string): Promise<DataFolder> {
  const folder = dataFolder(dataDir)
  try {
    await mkdir(folder.path, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_FOLDER', `cannot use ${folder.path}: ${reasonOf(cause)}`, {
      cause,
      next: 'choose another --data-dir, or correct its owner and mode',
    })
  }
  return folder
}

/**
 * Holds the folder for this process until disposed; a lock whose process is gone is taken over.
 * @throws BAD_CONFIG_LOCKED naming the process, BAD_CONFIG_FOLDER when it cannot be written
 */
export async function lockDataFolder(folder: DataFolder): Promise<AsyncDisposable> {
  let taken: Awaited<ReturnType<typeof acquireLock>>
  try {
    taken = await acquireLock(folder.lockFile)
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_FOLDER', `cannot write ${folder.path}: ${reasonOf(cause)}`, {
      cause,
      next: 'choose another --data-dir, or correct its owner and mode',
    })
  }
  if ('release' in taken) return { [Symbol.asyncDispose]: taken.release }
  throw new NodeError(
    'BAD_CONFIG_LOCKED',
    `${folder.path} is in use by process ${taken.heldBy.pid}`,
    { next: `stop that process (kill ${taken.heldBy.pid}), or choose another --data-dir` },
  )
}

/** The live process that holds the folder; undefined when none does. */
export const holderOf = (folder: DataFolder): Promise<LockHolder | undefined> =>
  readLock(folder.lockFile)

/** A unix socket's path holds 107 bytes on Linux and 103 on macOS. */
const LONGEST_SOCKET_PATH = 100

/**
 * Where the node of a data folder listens for commands: in the folder, or, when that path is too long for a socket,
 * in a runtime folder that only this user can enter.
 * @throws BAD_CONFIG_RUNTIME when that runtime folder belongs to somebody else
 */
export async function controlSocketPath(dataDir: string): Promise<string> {
  const { path } = dataFolder(dataDir)
  const inFolder = join(path, 'control.sock')
  if (Buffer.byteLength(inFolder) <= LONGEST_SOCKET_PATH) return inFolder
  const name = `${hash('sha256', path).slice(0, 24)}.sock`
  const runtime = runtimeFolders().find(
    (folder) => Buffer.byteLength(join(folder, name)) <= LONGEST_SOCKET_PATH,
  )!
  await assurePrivate(runtime)
  return join(runtime, name)
}

const runtimeFolders = (): string[] => {
  const given = process.env['XDG_RUNTIME_DIR']
  const own = `compute-node-${process.getuid?.() ?? 0}`
  return [
    ...(given === undefined || given === '' ? [] : [join(given, 'compute-node')]),
    join(tmpdir(), own),
    join('/tmp', own),
  ]
}

/** Anybody may make a folder under /tmp: use it only if it is ours and closed. */
async function assurePrivate(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true })
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const found = await lstat(folder)
  const ours = process.getuid === undefined || found.uid === process.getuid()
  if (found.isDirectory() && ours && (found.mode & 0o077) === 0) return
  throw new NodeError('BAD_CONFIG_RUNTIME', `${folder} is not private to this user`, {
    next: `remove ${folder}, or choose a shorter --data-dir`,
  })
}

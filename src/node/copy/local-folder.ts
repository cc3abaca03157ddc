import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import {
  chmod,
  type FileHandle,
  lchown,
  lstat,
  mkdir,
  open,
  realpath,
  rename,
  rm,
  symlink,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, NodeError } from '../../errors.ts'
import { type FoundEntry, staysBelow } from '../../protocols/session-files.ts'
import { partOf } from './part-name.ts'

type Facts = Pick<FoundEntry, 'path' | 'size' | 'mode' | 'mtime' | 'uid' | 'gid'>

/** Files of this machine that a copy makes: names that a stranger sent never lead out of the root, nor through a link. */
export interface LocalFolder {
  /** What lies there; undefined when nothing does. Links are not followed. */
  find(path: string): Promise<{ type: string; size: number; mtime: number } | undefined>
  /** Makes a folder with those above it; true when it was not there. */
  makeFolder(path: string): Promise<boolean>
  /** A file's part, opened; `has` bytes came before. */
  openPart(entry: Facts): Promise<{ file: FileHandle; has: number }>
  /** Puts a whole part in place of whatever file or link has its name. */
  place(entry: Facts, file: FileHandle): Promise<void>
  dropPart(entry: Facts): Promise<void>
  makeLink(entry: Facts, target: string): Promise<void>
  /** An empty file in the root says that this is not whole; `false` removes it. */
  mark(name: string, isOn: boolean): Promise<void>
  /** Gives a folder its mode and owner, last of all. */
  settle(entry: Facts): Promise<void>
}

/** Set-id bits of a stranger's files stay there. */
const KEPT_MODE = 0o777
const isRoot = process.getuid?.() === 0

/** The root is the person's own word, so it may be a link; a single file has the empty path and lies at the root. */
export async function localFolder(root: string): Promise<LocalFolder> {
  const checked = new Set<string>()
  const base = await realpath(root).catch(() => root)
  const at = (path: string): string => {
    if (path === '') return base
    if (!staysBelow(path)) throw outside(path)
    return join(base, path)
  }
  const makeOne = async (path: string): Promise<boolean> => {
    if (checked.has(path)) return false
    const made = await makeIfAbsent(at(path))
    checked.add(path)
    return made
  }
  const makeFolder = async (path: string): Promise<boolean> => {
    if (checked.has(path)) return false
    if (path === '') await mkdir(dirname(base), { recursive: true }).catch(explain)
    else await makeFolder(parentOf(path))
    return makeOne(path)
  }
  /** A single file's folder is the person's own word too. */
  const makeParent = async (path: string): Promise<void> => {
    if (path === '') await mkdir(dirname(base), { recursive: true }).catch(explain)
    else await makeFolder(parentOf(path))
  }
  const partAt = (entry: Facts): string =>
    entry.path === '' ? partOf(base, entry) : at(partOf(entry.path, entry))
  return {
    async find(path) {
      const facts = await lstat(at(path)).catch(ifAbsent)
      if (facts === undefined) return undefined
      const type = facts.isFile() ? 'file' : facts.isDirectory() ? 'folder' : 'other'
      return { type, size: facts.size, mtime: Math.floor(facts.mtimeMs / 1000) }
    },
    makeFolder,
    async openPart(entry) {
      await makeParent(entry.path)
      const flags =
        constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK
      const file = await open(partAt(entry), flags, 0o600).catch(explain)
      const facts = await file.stat()
      if (facts.isFile() && facts.nlink === 1)
        return { file, has: Math.min(facts.size, entry.size) }
      await file.close()
      throw new NodeError('FAILED_FILES', `${partAt(entry)} is not a file of its own`, {
        next: 'remove it, then copy again',
      })
    },
    async place(entry, file) {
      await file.chmod(entry.mode & KEPT_MODE)
      if (isRoot) await file.chown(entry.uid, entry.gid)
      await file.utimes(entry.mtime, entry.mtime)
      await file.close()
      await rename(partAt(entry), at(entry.path)).catch(explain)
    },
    dropPart: (entry) => rm(partAt(entry), { force: true }),
    async makeLink(entry, target) {
      await makeParent(entry.path)
      const fresh = at(
        `${parentOf(entry.path) === '' ? '' : `${parentOf(entry.path)}/`}.cn-cp-${randomBytes(6).toString('hex')}`,
      )
      await symlink(target, fresh).catch(explain)
      if (isRoot) await lchown(fresh, entry.uid, entry.gid)
      await rename(fresh, at(entry.path)).catch(async (error: unknown) => {
        await rm(fresh, { force: true })
        return explain(error)
      })
    },
    async mark(name, isOn) {
      if (isOn) await (await open(at(name), 'wx', 0o600).catch(explain)).close()
      else await rm(at(name), { force: true })
    },
    async settle(entry) {
      if (isRoot) await lchown(at(entry.path), entry.uid, entry.gid)
      await chmod(at(entry.path), entry.mode & KEPT_MODE)
    },
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

/** @throws FAILED_FILES when something else than a folder is there: a link would lead a stranger's files elsewhere */
async function makeIfAbsent(path: string): Promise<boolean> {
  const facts = await lstat(path).catch(ifAbsent)
  if (facts?.isDirectory() === true) return false
  if (facts !== undefined) {
    const what = facts.isSymbolicLink() ? 'a link, which is not followed' : 'no folder'
    throw new NodeError('FAILED_FILES', `${path} is ${what}`, {
      next: 'remove it, or copy elsewhere',
    })
  }
  await mkdir(path).catch(explain)
  return true
}

const ifAbsent = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== 'ENOENT') explain(error)
}

const outside = (path: string): NodeError =>
  new NodeError(
    'BAD_MESSAGE',
    `the miner names a path that leads elsewhere: ${JSON.stringify(path)}`,
  )

/** The system's words about this machine's files, with what to do. */
export function explain(cause: unknown): never {
  const { code, path } = cause as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    throw new NodeError('FAILED_DISK', 'the disk of this machine is full', {
      cause,
      next: 'make room and copy again: what came is not sent again',
    })
  }
  if (cause instanceof NodeError || code === undefined) throw cause
  throw new NodeError('FAILED_FILES', `${path ?? 'a file'} here: ${code}: ${messageOf(cause)}`, {
    cause,
    next: 'look at the path and at who may write there',
  })
}

import { constants } from 'node:fs'
import { type FileHandle, lstat, open, opendir, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { NodeError } from '../../errors.ts'
import { reasonOf } from '../config.ts'
import type { CopyJob } from './copy-job.ts'
import { isPart } from './part-name.ts'
import { PIECE_BYTES, type SparePieces } from './spare-pieces.ts'

/** Something to be copied from this machine; the source itself has the empty path. */
export interface LocalEntry {
  readonly type: 'file' | 'folder' | 'link'
  readonly path: string
  readonly source: string
  readonly size: number
  readonly mode: number
  /** Unix seconds. */
  readonly mtime: number
  /** Where a link leads. */
  readonly target: string
}

/** A source and all below it that nothing excludes, parents first; the source itself is followed, links below are not. */
export async function* localTree(source: string, job: CopyJob): AsyncGenerator<LocalEntry> {
  const facts = await stat(source).catch((cause: NodeJS.ErrnoException) => {
    throw new NodeError('NOTHING_MATCHED', `${source}: ${reasonOf(cause)}`, {
      cause,
      next: 'look at the path; a lease is written LEASE:PATH',
    })
  })
  if (facts.isFile()) yield entryOf('file', '', source, facts)
  else if (facts.isDirectory()) yield* folderTree('', source, job)
  else job.leave(source, 'neither a file nor a folder')
}

async function* folderTree(path: string, source: string, job: CopyJob): AsyncGenerator<LocalEntry> {
  yield entryOf('folder', path, source, await lstat(source))
  const names: string[] = []
  for await (const { name } of await opendir(source)) names.push(name)
  for (const name of names.sort()) {
    const below = path === '' ? name : `${path}/${name}`
    const at = join(source, name)
    const facts = await lstat(at)
    if (isPart(name) || job.ignores(facts.isDirectory() ? `${below}/` : below)) continue
    if (facts.isDirectory()) yield* folderTree(below, at, job)
    else if (facts.isFile()) yield entryOf('file', below, at, facts)
    else if (facts.isSymbolicLink()) {
      yield { ...entryOf('link', below, at, facts), target: await readlink(at) }
    } else job.leave(below, 'a device, a pipe or a socket')
  }
}

interface Facts {
  readonly size: number
  readonly mode: number
  readonly mtimeMs: number
}

const entryOf = (
  type: LocalEntry['type'],
  path: string,
  source: string,
  { size, mode, mtimeMs }: Facts,
): LocalEntry => ({
  ...{ type, path, source, size: type === 'file' ? size : 0, mode: mode & 0o7777 },
  mtime: Math.max(0, Math.floor(mtimeMs / 1000)),
  target: '',
})

/**
 * A file's bytes from `start` up to `end`, in pieces that are put into `spare` when they are done with.
 * @throws FAILED_FILES when it became shorter or is no file any more
 */
export async function* bytesOf(
  { source, path }: Pick<LocalEntry, 'source' | 'path'>,
  start: number,
  end: number,
  spare?: SparePieces,
): AsyncGenerator<Uint8Array> {
  const read = (at: number) => readAt(file, at, Math.min(PIECE_BYTES, end - at), spare)
  // The source as typed may be a link; what was found below it may have become one.
  const noFollow = path === '' ? 0 : constants.O_NOFOLLOW
  await using file = await open(source, constants.O_RDONLY | constants.O_NONBLOCK | noFollow)
  if (!(await file.stat()).isFile()) throw changed(source)
  // The next piece is read while the one before is used.
  let next = read(start)
  for (let at = start; at < end; ) {
    const piece = await next
    if (piece.length === 0) throw changed(source)
    at += piece.length
    next = read(at)
    next.catch(() => undefined) // told when it is its turn
    yield piece
  }
  await next
}

/** What was given away may still be on its way, so each piece has memory of its own, or what is spare. */
async function readAt(
  file: FileHandle,
  at: number,
  size: number,
  spare: SparePieces | undefined,
): Promise<Uint8Array> {
  const into = spare?.take() ?? Buffer.allocUnsafe(size)
  const { bytesRead, buffer } = await file.read(into, 0, size, at)
  return buffer.subarray(0, bytesRead)
}

const changed = (source: string): NodeError =>
  new NodeError('FAILED_FILES', `${source} changed while it was read`, { next: 'copy it again' })

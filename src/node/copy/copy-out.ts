import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { posix } from 'node:path'
import { NodeError } from '../../errors.ts'
import { type FoundEntry, MAX_NAMES, NAME_BYTES } from '../../protocols/session-files.ts'
import { KiB } from '../../units.ts'
import { nameOf } from './copy-ends.ts'
import { SMALL_BYTES } from './copy-in.ts'
import type { CopyJob } from './copy-job.ts'
import { type Gathered, gather } from './gather.ts'
import { explain, type LocalFolder, localFolder } from './local-folder.ts'
import { hearDone, lookAt, type RentersTalk, unexpected } from './look-at.ts'
import { isPart, markOf } from './part-name.ts'

/** Requests on their way beyond the one that is being answered. */
const AHEAD = 2
const PIECE_BYTES = 256 * KiB

/** Copies a file or folder of the lease to a path here; what is there already is not sent again. */
export async function copyOut(
  talk: RentersTalk,
  { from, to }: { readonly from: string; readonly to: string },
  job: CopyJob,
): Promise<void> {
  const found = [...(await lookAt(talk, from, true)).values()]
  const [root] = found
  if (root === undefined) throw noSuch(from)
  const folder = await localFolder(to)
  if (root.type !== 'folder') {
    if (root.path !== '' || root.type !== 'file' || found.length > 1) throw unexpected('listing')
    await receive(talk, { from, folder, entries: [root], job })
  } else await receive(talk, { from, folder, entries: wanted(found, job), job })
}

export const noSuch = (path: string): NodeError =>
  new NodeError('NOTHING_MATCHED', `${path} is not in the lease`, {
    next: 'look there: compute-node exec LEASE -- ls',
  })

/** Without what is excluded, below something excluded, half copied, or no file at all. */
export function wanted(found: readonly FoundEntry[], job: CopyJob): FoundEntry[] {
  return found.filter(({ path, type }) => {
    if (path === '') return true
    if (isPart(path) || job.ignores(type === 'folder' ? `${path}/` : path)) return false
    if (type === 'other') job.leave(path, 'a device, a pipe or a socket')
    return type !== 'other'
  })
}

interface Receiving {
  readonly from: string
  readonly folder: LocalFolder
  readonly entries: readonly FoundEntry[]
  readonly job: CopyJob
}

async function receive(talk: RentersTalk, parts: Receiving): Promise<void> {
  const { from, folder, entries, job } = parts
  const made: FoundEntry[] = []
  const mark = markOf(nameOf(from))
  for (const entry of entries.filter(({ type }) => type === 'folder')) {
    if (!(await folder.makeFolder(entry.path))) continue
    made.push(entry)
    if (entry.path === '') await folder.mark(mark, true)
    else job.folders += 1
  }
  const missing: FoundEntry[] = []
  for (const entry of entries.filter(({ type }) => type === 'file')) {
    if (await isHere(entry, folder)) job.unchanged += 1
    else missing.push(entry)
  }
  job.plannedBytes += missing.reduce((sum, { size }) => sum + size, 0)
  // Of a file with several names an archive would bring one and point to it with the others.
  const isSmall = ({ path, size, links }: FoundEntry): boolean =>
    path !== '' && size <= SMALL_BYTES && links === 1
  const links = entries.filter(({ type }) => type === 'link')
  const targets = await receiveSmall(talk, [...missing.filter(isSmall), ...links], parts)
  for (const entry of missing.filter((one) => !isSmall(one))) {
    await receiveBig(talk, entry, { from, folder, job })
  }
  // Last, so that nothing can be written through them.
  for (const [entry, target] of targets) await makeLink(entry, target, folder, job)
  if (entries[0]?.type === 'folder') await folder.mark(mark, false)
  for (const entry of made.toReversed()) await folder.settle(entry)
}

async function isHere(entry: FoundEntry, folder: LocalFolder): Promise<boolean> {
  const here = await folder.find(entry.path)
  return here?.type === 'file' && here.size === entry.size && here.mtime === entry.mtime
}

/** Whether a link of a stranger's tree leads to something that is not in that tree. */
export function leadsOut(path: string, target: string): boolean {
  const leadsTo = posix.normalize(posix.join(posix.dirname(path), target))
  return target.startsWith('/') || leadsTo === '..' || leadsTo.startsWith('../')
}

async function makeLink(
  entry: FoundEntry,
  target: string,
  folder: LocalFolder,
  job: CopyJob,
): Promise<void> {
  if (leadsOut(entry.path, target)) {
    job.leave(entry.path, `a link that leads out, to ${target}`)
    return
  }
  await folder.makeLink(entry, target)
  job.links += 1
}

/** Small files arrive in place; links are returned with where they lead. */
async function receiveSmall(
  talk: RentersTalk,
  entries: readonly FoundEntry[],
  { from, folder, job }: Omit<Receiving, 'entries'>,
): Promise<[FoundEntry, string][]> {
  const links: [FoundEntry, string][] = []
  const asked: FoundEntry[][] = []
  const take = async (): Promise<void> => {
    for (const entry of asked.shift()!) {
      const message = await talk.hearMessage()
      if (message.kind === 'link' && entry.type === 'link') links.push([entry, message.target])
      else if (message.kind === 'file' && entry.type === 'file') {
        await takeSmall(talk, entry, message.size ?? 0, folder, job)
      } else throw unexpected(message.kind)
    }
    await hearDone(talk)
  }
  for (const batch of inBatches(entries)) {
    await talk.tell({ kind: 'names', root: from, paths: batch.map(({ path }) => path) })
    asked.push(batch)
    if (asked.length > AHEAD) await take()
  }
  while (asked.length > 0) await take()
  return links
}

/** As many as go into one message. */
export function* inBatches(entries: readonly FoundEntry[]): Generator<FoundEntry[]> {
  let batch: FoundEntry[] = []
  let names = 0
  for (const entry of entries) {
    const bytes = Buffer.byteLength(entry.path)
    if (batch.length === MAX_NAMES || (batch.length > 0 && names + bytes > NAME_BYTES)) {
      yield batch
      batch = []
      names = 0
    }
    batch.push(entry)
    names += bytes
  }
  if (batch.length > 0) yield batch
}

async function takeSmall(
  talk: RentersTalk,
  entry: FoundEntry,
  size: number,
  folder: LocalFolder,
  job: CopyJob,
): Promise<void> {
  if (size > SMALL_BYTES) throw unexpected('size')
  job.current = entry.path
  const { file } = await folder.openPart(entry)
  try {
    await file.truncate(0)
    const hash = createHash('sha256')
    const output = writerOf(file, 0)
    for await (const data of talk.hearBytes(size)) {
      hash.update(data)
      await output.add(data)
      job.travelled(data.length)
    }
    await output.flush()
    await assertSum(talk, hash, entry.path)
    await folder.place(entry, file)
    job.files += 1
  } catch (error) {
    await closed(file)
    await folder.dropPart(entry)
    throw error
  }
}

async function assertSum(talk: RentersTalk, hash: Hash, path: string): Promise<void> {
  const message = await talk.hearMessage()
  if (message.kind !== 'sum') throw unexpected(message.kind)
  assertSame(hash, message.sha256, path)
}

export function assertSame(hash: Hash, sha256: Uint8Array, path: string): void {
  if (hash.digest().equals(sha256)) return
  throw new NodeError('FAILED_CHECKSUM', `${path}: what arrived is not what was sent`, {
    next: 'copy it again; the file here before, if any, is untouched',
  })
}

/** Writes pieces one after the other from a place on. */
function writerOf(file: FileHandle, start: number): Gathered {
  let at = start
  return gather(async (pieces) => {
    for (let left = pieces; left.length > 0; ) {
      const { bytesWritten } = await file.writev(left, at).catch(explain)
      at += bytesWritten
      left = without(left, bytesWritten)
    }
  })
}

/** What is left of pieces after their first bytes. */
function without(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let taken = bytes
  return pieces.flatMap((piece) => {
    const left = piece.subarray(Math.min(taken, piece.length))
    taken -= piece.length - left.length
    return left.length === 0 ? [] : [left]
  })
}

/** `place` has closed it when all went well. */
const closed = (file: FileHandle): Promise<void> => (file.fd < 0 ? Promise.resolve() : file.close())

/** One file, on from where an earlier try stopped; what came stays when the connection breaks. */
async function receiveBig(
  talk: RentersTalk,
  entry: FoundEntry,
  { from, folder, job }: Omit<Receiving, 'entries'>,
): Promise<void> {
  job.current = entry.path === '' ? from : entry.path
  const { file, has } = await folder.openPart(entry)
  try {
    const hash = createHash('sha256')
    await hashStart(file, has, hash)
    const path = entry.path === '' ? from : `${from}/${entry.path}`
    const resume = has > 0 ? { offset: has, prefix: hash.copy().digest() } : { offset: 0 }
    await talk.tell({ kind: 'read', path, ...resume })
    const answer = await talk.hearMessage()
    if (answer.kind !== 'file') throw unexpected(answer.kind)
    if (answer.offset !== has && answer.offset !== 0) throw unexpected('offset')
    const whole = answer.offset === has ? hash : createHash('sha256')
    await file.truncate(answer.offset)
    job.doneBytes += answer.offset
    const output = writerOf(file, answer.offset)
    const sha256 = await takeContents(talk, answer.offset, whole, output, entry, job).finally(
      () => output.flush(), // what came before a connection broke is not sent again
    )
    if (!whole.digest().equals(sha256)) {
      await folder.dropPart(entry)
      throw new NodeError(
        'FAILED_CHECKSUM',
        `${entry.path || from}: what arrived is not what was sent`,
        { next: 'copy it again; the file here before, if any, is untouched' },
      )
    }
    await hearDone(talk)
    await folder.place(entry, file)
    job.files += 1
  } finally {
    await closed(file)
  }
}

async function hashStart(file: FileHandle, has: number, hash: Hash): Promise<void> {
  for (let at = 0; at < has; ) {
    const size = Math.min(PIECE_BYTES, has - at)
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, at)
    if (bytesRead === 0) throw new NodeError('FAILED_FILES', 'a part became shorter')
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}

/** Writes what comes until the checksum, and not more than the file was said to have: it would fill this disk. */
async function takeContents(
  talk: RentersTalk,
  start: number,
  hash: Hash,
  output: Gathered,
  { size, path }: FoundEntry,
  job: CopyJob,
): Promise<Uint8Array> {
  for (let at = start; ; ) {
    const heard = await talk.hear()
    if (heard === undefined) throw new NodeError('PEER_LOST', 'the contents were cut off')
    if ('data' in heard) {
      const { data } = heard
      if (at + data.length > size) {
        throw new NodeError('FAILED_FILES', `${path}: it grew while it was read`, {
          next: 'copy it again when nothing writes to it',
        })
      }
      hash.update(data)
      await output.add(data)
      at += data.length
      job.travelled(data.length)
    } else if (heard.message.kind === 'sum') {
      if (at < size) throw new NodeError('FAILED_FILES', `${path}: it shrank while it was read`)
      return heard.message.sha256
    } else throw unexpected(heard.message.kind)
  }
}

/** Where a file that goes to a stream has got to, over all connections. */
export interface StreamPlace {
  offset: number
  readonly hash: Hash
}

/** Writes one file of the lease to a stream, on from `place`. */
export async function copyStreamOut(
  talk: RentersTalk,
  {
    from,
    to,
    place,
  }: {
    readonly from: string
    readonly to: (data: Uint8Array) => Promise<void>
    readonly place: StreamPlace
  },
  job: CopyJob,
): Promise<void> {
  const { offset, hash } = place
  const resume = offset > 0 ? { offset, prefix: hash.copy().digest() } : { offset }
  await talk.tell({ kind: 'read', path: from, ...resume })
  const answer = await talk.hearMessage()
  if (answer.kind !== 'file') throw unexpected(answer.kind)
  if (answer.offset !== offset) {
    throw new NodeError('FAILED_FILES', `${from} changed while it was read`, {
      next: 'copy it again',
    })
  }
  for (;;) {
    const heard = await talk.hear()
    if (heard === undefined) throw new NodeError('PEER_LOST', 'the contents were cut off')
    if ('data' in heard) {
      hash.update(heard.data)
      place.offset += heard.data.length
      job.travelled(heard.data.length)
      await to(heard.data)
    } else if (heard.message.kind === 'sum') {
      assertSame(hash, heard.message.sha256, from)
      await hearDone(talk)
      job.files += 1
      return
    } else throw unexpected(heard.message.kind)
  }
}

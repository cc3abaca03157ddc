import { createHash } from 'node:crypto'
import { NodeError } from '../../errors.ts'
import {
  type FoundEntry,
  MAX_NAMES,
  NAME_BYTES,
  type PutEntry,
} from '../../protocols/session-files.ts'
import { MiB } from '../../units.ts'
import { nameOf } from './copy-ends.ts'
import type { CopyJob } from './copy-job.ts'
import { bytesOf, type LocalEntry, localTree } from './local-tree.ts'
import { hearDone, lookAt, type RentersTalk, unexpected } from './look-at.ts'
import { markOf, partOf } from './part-name.ts'
import { sparePieces } from './spare-pieces.ts'

/** Above this a file goes by itself and can be resumed inside. */
export const SMALL_BYTES = 4 * MiB
/** Contents of one `put`. */
const BATCH_BYTES = 16 * MiB
/** Batches on their way that the miner has not answered. */
const AHEAD = 2

/** Copies a file or folder of this machine to a path of the lease; what is there already is not sent again. */
export async function copyIn(
  talk: RentersTalk,
  { from, to }: { readonly from: string; readonly to: string },
  job: CopyJob,
): Promise<void> {
  const entries = await Array.fromAsync(localTree(from, job))
  const [root] = entries
  if (root === undefined) return
  const isFolder = root.type === 'folder'
  const there = isFolder ? await lookAt(talk, to, true) : await lookBeside(talk, root, to)
  if (isFolder && there.get('')?.type === 'file') {
    throw new NodeError('FAILED_FILES', `${to} in the lease is a file`, {
      next: 'choose another path',
    })
  }
  await send(talk, { root: to, entries, there, mark: markOf(nameOf(from)), job })
}

/** What a single file meets: what has its name, and what came of it before. */
async function lookBeside(
  talk: RentersTalk,
  entry: LocalEntry,
  to: string,
): Promise<Map<string, FoundEntry>> {
  const [own] = (await lookAt(talk, to, false)).values()
  const [part] = (await lookAt(talk, partOf(to, entry), false)).values()
  return new Map([
    ...(own === undefined ? [] : [['', own] as const]),
    ...(part === undefined ? [] : [[partOf('', entry), part] as const]),
  ])
}

interface Sending {
  readonly root: string
  readonly entries: readonly LocalEntry[]
  readonly there: ReadonlyMap<string, FoundEntry>
  readonly mark: string
  readonly job: CopyJob
}

async function send(
  talk: RentersTalk,
  { root, entries, there, mark, job }: Sending,
): Promise<void> {
  const missing = entries.filter((entry) => !isThere(entry, there.get(entry.path), job))
  job.plannedBytes += missing.reduce((sum, { size }) => sum + size, 0)
  assertRoom(
    missing.reduce((sum, entry) => sum + toWrite(entry, there), 0),
    job,
  )
  const batch = createBatches(talk, root, job)
  // A single file has no folder of its own to be put into, and is written by itself.
  const isBig = ({ path, type, size }: LocalEntry) =>
    type === 'file' && (path === '' || size > SMALL_BYTES)
  for (const entry of missing) {
    if (entry.type === 'folder' && entry.path === '') await makeRoot(talk, root, mark)
    else if (!isBig(entry)) await batch.add(entry)
  }
  await batch.finish()
  for (const entry of missing.filter(isBig)) await sendBig(talk, { root, entry, there, job })
  if (entries[0]?.type === 'folder') await sendModes(talk, { root, entries, there, mark })
}

/** What is left of a file after what came of it before. */
const toWrite = (entry: LocalEntry, there: ReadonlyMap<string, FoundEntry>): number =>
  entry.type === 'file' ? entry.size - (there.get(partOf(entry.path, entry))?.size ?? 0) : 0

/** Before anything is sent: where a share is only measured, a lease that exceeds it would be ended for it. */
function assertRoom(wantedBytes: number, { roomBytes, bytes }: CopyJob): void {
  if (roomBytes === undefined) return
  const leftBytes = Math.max(0, roomBytes - bytes)
  if (wantedBytes <= leftBytes) return
  const [wanted, left] = [wantedBytes, leftBytes].map((each) => Math.ceil(each / MiB))
  throw new NodeError(
    'FAILED_LEASE_DISK',
    `${wanted} MiB would be copied; the lease may write ${left} MiB more on its disk`,
    {
      next: 'copy less of it (--exclude), copy into a volume (rent --volume), or rent where there is more disk: compute-node offers',
    },
  )
}

/** Same size and time of change, as rsync has it; nothing is put in place before its checksum was right. */
function isThere(entry: LocalEntry, found: FoundEntry | undefined, job: CopyJob): boolean {
  if (found === undefined || found.type !== entry.type || entry.type === 'link') return false
  if (entry.type === 'folder') return true
  const isSame = found.size === entry.size && found.mtime === entry.mtime
  if (isSame) job.unchanged += 1
  return isSame
}

/** An empty folder is one too. Until it is whole it holds a mark, so that the same copy later goes on in it. */
async function makeRoot(talk: RentersTalk, root: string, mark: string): Promise<void> {
  const cut = root.replace(/\/+$/, '')
  const at = cut.lastIndexOf('/')
  const parent = at > 0 ? cut.slice(0, at) : at === 0 ? '/' : '.'
  const path = cut.slice(at + 1)
  if (path === '' || path === '.' || path === '..') return
  const marker = { type: 'file' as const, path: `${path}/${mark}`, size: 0, mode: 0o600, mtime: 0 }
  await talk.tell({ kind: 'put', root: parent, entries: [{ type: 'folder', path }, marker] })
  await talk.tell({ kind: 'sum', sha256: createHash('sha256').digest() })
  await hearDone(talk)
}

/** Collects what goes together and sends it, a few messages ahead of the miner's answers. */
function createBatches(talk: RentersTalk, root: string, job: CopyJob) {
  let batch: LocalEntry[] = []
  let contents = 0
  let names = 0
  let unanswered = 0
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    const sent = batch
    batch = []
    contents = 0
    names = 0
    await talk.tell({ kind: 'put', root, entries: sent.map(putOf) })
    for (const entry of sent) {
      if (entry.type === 'file') await sendSmall(talk, entry, job)
      job[`${entry.type}s`] += 1
    }
    unanswered += 1
    while (unanswered > AHEAD) await answered()
  }
  const answered = async (): Promise<void> => {
    await hearDone(talk)
    unanswered -= 1
  }
  return {
    async add(entry: LocalEntry): Promise<void> {
      const bytes = Buffer.byteLength(entry.path) + Buffer.byteLength(entry.target)
      const isFull =
        batch.length === MAX_NAMES ||
        names + bytes > NAME_BYTES ||
        contents + entry.size > BATCH_BYTES
      if (isFull) await flush()
      batch.push(entry)
      contents += entry.size
      names += bytes
    },
    async finish(): Promise<void> {
      await flush()
      while (unanswered > 0) await answered()
    },
  }
}

const putOf = ({ type, path, size, mode, mtime, target }: LocalEntry): PutEntry =>
  type === 'file'
    ? { type, path, size, mode, mtime }
    : type === 'link'
      ? { type, path, target }
      : { type, path }

async function sendSmall(talk: RentersTalk, entry: LocalEntry, job: CopyJob): Promise<void> {
  job.current = entry.path
  const hash = createHash('sha256')
  for await (const data of bytesOf(entry, 0, entry.size)) {
    hash.update(data)
    await talk.give(data)
    job.travelled(data.length)
  }
  await talk.tell({ kind: 'sum', sha256: hash.digest() })
}

interface Big extends Omit<Sending, 'entries' | 'mark'> {
  readonly entry: LocalEntry
}

async function sendBig(talk: RentersTalk, { root, entry, there, job }: Big): Promise<void> {
  const path = entry.path === '' ? root : `${root}/${entry.path}`
  const { size, mode, mtime } = entry
  job.current = entry.path === '' ? entry.source : entry.path
  const part = there.get(partOf(entry.path, entry))
  const begun = part?.type === 'file' && part.size <= size ? part.size : 0
  const hash = createHash('sha256')
  const spare = sparePieces()
  if (begun > 0) {
    for await (const data of bytesOf(entry, 0, begun, spare)) {
      hash.update(data)
      spare.put(data)
    }
  }
  const resume = begun > 0 ? { offset: begun, prefix: hash.copy().digest() } : { offset: 0 }
  await talk.tell({ kind: 'write', path, part: partOf(path, entry), ...resume })
  const answer = await talk.hearMessage()
  if (answer.kind !== 'from') throw unexpected(answer.kind)
  const start = answer.offset === begun ? begun : 0
  if (answer.offset !== start) throw unexpected('offset')
  const whole = start === begun ? hash : createHash('sha256')
  job.doneBytes += start
  for await (const data of bytesOf(entry, start, size, spare)) {
    whole.update(data)
    await talk.give(data, () => spare.put(data))
    job.travelled(data.length)
  }
  await talk.tell({ kind: 'commit', size, sha256: whole.digest(), mode, mtime })
  await hearDone(talk)
  job.files += 1
}

/** Last, because a folder may forbid what is yet to come into it. Of folders that were there before, nothing changes. */
async function sendModes(
  talk: RentersTalk,
  { root, entries, there, mark }: Omit<Sending, 'job'>,
): Promise<void> {
  const modes = entries
    .filter(({ type, path }) => path !== '' && type !== 'link' && differs(type, there.get(path)))
    .filter(({ type, path, mode }) => type === 'folder' || there.get(path)!.mode !== mode)
    .map(({ path, mode }) => ({ path, mode }))
    .reverse()
  let batch: typeof modes = []
  let names = 0
  const flush = async (last: { mark?: string } = {}): Promise<void> => {
    await talk.tell({ kind: 'modes', root, modes: batch, ...last })
    await hearDone(talk)
    batch = []
    names = 0
  }
  for (const one of modes) {
    const bytes = Buffer.byteLength(one.path)
    if (batch.length === MAX_NAMES || names + bytes > NAME_BYTES) await flush()
    batch.push(one)
    names += bytes
  }
  await flush({ mark })
}

/** New folders, and files that stayed. */
const differs = (type: LocalEntry['type'], found: FoundEntry | undefined): boolean =>
  type === 'folder' ? found === undefined : found !== undefined && found.type === 'file'

export interface StreamIn {
  readonly from: AsyncIterable<Uint8Array>
  readonly to: string
  /** True: nothing of it stays there unless all of it came. */
  readonly once?: true
  /** What it must be, in hex. */
  readonly sha256?: string | undefined
}

/**
 * Writes what a stream brings to one file of the lease; it cannot be read again, so a broken connection ends it.
 * Resolves with the SHA-256 of what is there now.
 * @throws BAD_MESSAGE_CHECKSUM when it is not what it must be: what was there before stays
 */
export async function copyStreamIn(
  talk: RentersTalk,
  { from, to, once, sha256 }: StreamIn,
  job: CopyJob,
): Promise<Uint8Array> {
  const part = partOf(to, { size: 0, mtime: Date.now() })
  const how = once === undefined ? {} : { once }
  await talk.tell({ kind: 'write', path: to, part, offset: 0, ...how })
  const answer = await talk.hearMessage()
  if (answer.kind !== 'from') throw unexpected(answer.kind)
  const hash = createHash('sha256')
  let size = 0
  for await (const data of from) {
    hash.update(data)
    await talk.give(data)
    size += data.length
    job.travelled(data.length)
  }
  const digest = hash.digest()
  if (sha256 !== undefined && digest.toString('hex') !== sha256) {
    throw new NodeError('BAD_MESSAGE_CHECKSUM', `${to}: what came has another SHA-256`, {
      next: 'send it again; the file there before, if any, is untouched',
    })
  }
  await talk.tell({ kind: 'commit', size, sha256: digest })
  await hearDone(talk)
  job.files += 1
  return digest
}

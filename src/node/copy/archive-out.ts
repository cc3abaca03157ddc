import { createHash } from 'node:crypto'
import { tarEnd, tarFolder, tarHeader, tarPadding } from '../../containers/small-tar.ts'
import { NodeError } from '../../errors.ts'
import type { FoundEntry } from '../../protocols/session-files.ts'
import { SMALL_BYTES } from './copy-in.ts'
import type { CopyJob } from './copy-job.ts'
import { assertSame, inBatches, leadsOut, wanted } from './copy-out.ts'
import { hearDone, lookAt, type RentersTalk, unexpected } from './look-at.ts'

export interface ArchiveOut {
  /** A folder of the lease. */
  readonly from: string
  /** What it is called in the archive. */
  readonly name: string
  /** Takes views: copy to keep. */
  readonly to: (data: Uint8Array) => Promise<void>
}

/**
 * Writes a folder of the lease as a tar archive (GNU's, for long names). Each file is checked by its SHA-256, and the
 * archive's end comes only when all of them were right. As `cp` has it: links that lead out of the folder, devices,
 * pipes and sockets are left out, hard links become files.
 */
export async function archiveOut(
  talk: RentersTalk,
  { from, name, to }: ArchiveOut,
  job: CopyJob,
): Promise<void> {
  const entries = wanted([...(await lookAt(talk, from, true)).values()], job)
  const packing = {
    from,
    to,
    job,
    pathOf: (path: string) => (path === '' ? name : `${name}/${path}`),
  }
  for (const { path, type, mode, mtime } of entries) {
    if (type === 'folder') await to(tarFolder(`${packing.pathOf(path)}/`, { mode, mtime }))
  }
  const isSmall = ({ type, size, links }: FoundEntry): boolean =>
    type === 'link' || (type === 'file' && size <= SMALL_BYTES && links === 1)
  for (const batch of inBatches(entries.filter(isSmall))) await packSmall(talk, batch, packing)
  for (const entry of entries) {
    if (entry.type === 'file' && !isSmall(entry)) await packBig(talk, entry, packing)
  }
  await to(tarEnd())
}

interface Packing extends Pick<ArchiveOut, 'from' | 'to'> {
  readonly job: CopyJob
  readonly pathOf: (path: string) => string
}

async function packSmall(
  talk: RentersTalk,
  batch: readonly FoundEntry[],
  { from, to, job, pathOf }: Packing,
): Promise<void> {
  await talk.tell({ kind: 'names', root: from, paths: batch.map(({ path }) => path) })
  for (const { path, type, mode, mtime } of batch) {
    const message = await talk.hearMessage()
    if (message.kind === 'link' && type === 'link') {
      const { target } = message
      if (leadsOut(path, target)) job.leave(path, `a link that leads out, to ${target}`)
      else await to(tarHeader({ type, path: pathOf(path), size: 0, mode: 0o777, mtime, target }))
      continue
    }
    if (message.kind !== 'file' || type !== 'file') throw unexpected(message.kind)
    const { size = 0 } = message
    if (size > SMALL_BYTES) throw unexpected('size')
    await to(tarHeader({ type, path: pathOf(path), size, mode, mtime, target: '' }))
    const hash = createHash('sha256')
    for await (const data of talk.hearBytes(size)) {
      hash.update(data)
      job.travelled(data.length)
      await to(data)
    }
    const sum = await talk.hearMessage()
    if (sum.kind !== 'sum') throw unexpected(sum.kind)
    assertSame(hash, sum.sha256, path)
    await to(Buffer.alloc(tarPadding(size)))
  }
  await hearDone(talk)
}

async function packBig(
  talk: RentersTalk,
  { path, size, mode, mtime }: FoundEntry,
  { from, to, job, pathOf }: Packing,
): Promise<void> {
  await talk.tell({ kind: 'read', path: `${from}/${path}`, offset: 0 })
  const answer = await talk.hearMessage()
  if (answer.kind !== 'file' || answer.offset !== 0) throw unexpected(answer.kind)
  await to(tarHeader({ type: 'file', path: pathOf(path), size, mode, mtime, target: '' }))
  const hash = createHash('sha256')
  for await (const data of talk.hearBytes(size)) {
    hash.update(data)
    job.travelled(data.length)
    await to(data)
  }
  const sum = await talk.hear()
  if (sum === undefined) throw new NodeError('PEER_LOST', 'the contents were cut off')
  if (!('message' in sum)) {
    throw new NodeError('FAILED_FILES', `${path}: it grew while it was read`, {
      next: 'take it again when nothing writes to it',
    })
  }
  if (sum.message.kind !== 'sum') throw unexpected(sum.message.kind)
  assertSame(hash, sum.message.sha256, path)
  await to(Buffer.alloc(tarPadding(size)))
  await hearDone(talk)
}

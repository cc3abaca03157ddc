import { createHash } from 'node:crypto'
import { type ByteReader, createByteReader, readLine } from '../../../../containers/byte-reader.ts'
import { readTarHeader, tarPadding } from '../../../../containers/small-tar.ts'
import { messageOf, NodeError } from '../../../../errors.ts'
import type { FilesToMiner } from '../../../../protocols/session-files.ts'
import { KiB } from '../../../../units.ts'
import type { FilesPlace } from './files-place.ts'
import { type MinersTalk, plain } from './look.ts'
import { runScript, type Tool } from './run-tool.ts'

const PIECE_BYTES = 256 * KiB

/** $1 root, then names. A root that is a file is its own folder's only entry. */
const MANY = `
r=$1; shift
exec $b tar cf - -C "$r" -- "$@"`

/** Sends small files and links of a root, in the order asked for, as one archive of the container brings them. */
export async function readNames(
  place: FilesPlace,
  { root, paths }: Extract<FilesToMiner, { kind: 'names' }>,
  talk: MinersTalk,
): Promise<void> {
  const names = paths.map((path) => `./${path}`)
  await using tool = await runScript(place, { script: MANY, args: [plain(root), ...names] })
  const archive = tool.output
  for (const name of names) {
    const entry = await readTarHeader(archive)
    if (entry === undefined) {
      await tool.done()
      throw changed(name)
    }
    if (entry.path !== name) throw changed(name)
    if (entry.type === 'link') {
      await talk.tell({ kind: 'link', target: entry.target })
      continue
    }
    await talk.tell({ kind: 'file', offset: 0, size: entry.size })
    await sendContents(archive, entry.size, talk)
    await archive.exactly(tarPadding(entry.size))
  }
  await tool.done()
  await talk.tell({ kind: 'done' })
}

async function sendContents(from: ByteReader, size: number, talk: MinersTalk): Promise<void> {
  const hash = createHash('sha256')
  for (let left = size; left > 0; ) {
    const data = await from.some(Math.min(left, PIECE_BYTES))
    if (data === undefined) throw changed('a file')
    hash.update(data)
    await talk.give(data)
    left -= data.length
  }
  await talk.tell({ kind: 'sum', sha256: hash.digest() })
}

const changed = (name: string): NodeError =>
  new NodeError('FAILED_FILES', `${name} changed while it was read`, { next: 'copy it again' })

/** A file that is not there is what `lookAt` would not find either. */
function refused(path: string, error: unknown): never {
  if (!/no such file or directory/i.test(messageOf(error))) throw error
  throw new NodeError('NOTHING_MATCHED', `${path} is not in the lease`, {
    next: 'look there: compute-node exec LEASE -- ls',
  })
}

/** Sends one file; of one whose beginning the renter has, only the rest, if that beginning is the file's. */
export async function readFile(
  place: FilesPlace,
  { path, offset, prefix }: Extract<FilesToMiner, { kind: 'read' }>,
  talk: MinersTalk,
): Promise<void> {
  const isResumed = prefix !== undefined && (await sendRest(place, path, { offset, prefix }, talk))
  if (!isResumed) await sendRest(place, path, { offset: 0 }, talk)
  await talk.tell({ kind: 'done' })
}

/**
 * $1 path. The engine would handle each byte several times, so the file goes into the pipe of the script's own input,
 * where whoever asks holds that open: it says whether it can write there, and is answered with what shall be.
 */
const CAT = `
[ -w /proc/self/fd/0 ] && echo pipe || echo engine
read -r way || exit 1
echo "$way"
[ "$way" = pipe ] && exec $b cat "$1" >/proc/self/fd/0
exec $b cat "$1"`

/** The contents, by the better way that there is. */
async function contentsOf(tool: Tool): Promise<ByteReader> {
  const { output } = tool
  const canWrite = (await readLine(output)) === 'pipe'
  const pipe = await tool.pastEngine('read', async (isThere) => {
    const way = canWrite && isThere ? 'pipe' : 'engine'
    tool.sayTo(way)
    return (await readLine(output)) === way && way === 'pipe'
  })
  return pipe === undefined ? output : createByteReader(pipe)
}

/** Resolves with false, nothing sent, when the file does not begin with what the renter has. */
async function sendRest(
  place: FilesPlace,
  path: string,
  { offset, prefix }: { offset: number; prefix?: Uint8Array },
  talk: MinersTalk,
): Promise<boolean> {
  await using tool = await runScript(place, { script: CAT, args: [plain(path)] })
  const file = await contentsOf(tool)
  const hash = createHash('sha256')
  if (prefix !== undefined) {
    const came = await skip(file, offset, hash)
    if (came < offset || !hash.copy().digest().equals(prefix)) return false
  }
  let data = await file.some(PIECE_BYTES)
  if (data === undefined) await tool.done().catch((error: unknown) => refused(path, error)) // says why, if it failed
  await talk.tell({ kind: 'file', offset })
  for (; data !== undefined; data = await file.some(PIECE_BYTES)) {
    hash.update(data)
    await talk.give(data)
  }
  await tool.done()
  await talk.tell({ kind: 'sum', sha256: hash.digest() })
  return true
}

/** Hashes a file's beginning; resolves with how much of it there was. */
export async function skip(
  file: ByteReader,
  size: number,
  hash: { update(data: Uint8Array): unknown },
): Promise<number> {
  let at = 0
  while (at < size) {
    const data = await file.some(Math.min(size - at, PIECE_BYTES))
    if (data === undefined) return at
    hash.update(data)
    at += data.length
  }
  return at
}

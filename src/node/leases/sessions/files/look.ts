import { randomBytes } from 'node:crypto'
import { NodeError } from '../../../../errors.ts'
import type { FilesTalk } from '../../../../protocols/files-talk.ts'
import {
  type FilesToMiner,
  type FilesToRenter,
  type FoundEntry,
  MAX_NAMES,
  NAME_BYTES,
  staysBelow,
} from '../../../../protocols/session-files.ts'
import { KiB } from '../../../../units.ts'
import type { FilesPlace } from './files-place.ts'
import { printed } from './run-tool.ts'

export type MinersTalk = FilesTalk<FilesToMiner, FilesToRenter>

/**
 * $1 path, $2 how far: deep, near or flat, $3 what each record begins with. A name may hold any byte but zero, so records are told
 * apart by words that nobody could know when the names were given. The path itself is followed, links below are not. Of a
 * folder that is looked at from near, the first record says where it is.
 */
const SCRIPT = `
[ -e "$1" ] || exit 0
f="$3 %f %s %Y %u %g %h %n"
[ -d "$1" ] || exec $b stat -L -c "$3 %f %s %Y %u %g %h ." "$1"
cd "$1" || exit 1
if [ "$2" = near ]; then
  $b printf '%s @' "$3"; pwd -P
  exec $b find . -maxdepth 1 -name '.cn-cp-*' -prune -o -exec $b stat -c "$f" '{}' +
elif [ "$2" = deep ]; then exec $b find . -name '.cn-cp-*' -prune -o -exec $b stat -c "$f" '{}' +
else exec $b stat -c "$f" .; fi`

/** The longest record: numbers and a path. */
const RECORD_BYTES = 8 * KiB

/** Answers with pages of what is at a path, and all below it when `deep`. Half copied files are none. */
export async function look(
  place: FilesPlace,
  { path, deep, near }: Extract<FilesToMiner, { kind: 'look' }>,
  talk: MinersTalk,
): Promise<void> {
  const mark = randomBytes(16).toString('hex')
  const far = near === true ? 'near' : deep ? 'deep' : 'flat'
  const args = [plain(path), far, mark]
  let at: string | undefined
  let page: FoundEntry[] = []
  let pageBytes = 0
  for await (const record of records(
    printed(place, { script: SCRIPT, args }),
    Buffer.from(`${mark} `),
  )) {
    if (near === true && at === undefined && record[0] === WHERE) {
      at = textOf(record.subarray(1))
      continue
    }
    const entry = entryOf(record)
    const bytes = Buffer.byteLength(entry.path)
    if (page.length === MAX_NAMES || (page.length > 0 && pageBytes + bytes > NAME_BYTES)) {
      await talk.tell({ kind: 'entries', entries: page })
      page = []
      pageBytes = 0
    }
    page.push(entry)
    pageBytes += bytes
  }
  if (page.length > 0) await talk.tell({ kind: 'entries', entries: page })
  await talk.tell({ kind: 'done', ...(at === undefined ? {} : { at }) })
}

/** What a record begins with that is a path and no entry: entries begin with hexadecimal digits. */
const WHERE = 0x40

/** A path that no tool takes for an option. */
export const plain = (path: string): string => (path.startsWith('/') ? path : `./${path}`)

async function* records(stream: AsyncIterable<Buffer>, mark: Buffer): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of stream) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    let start = 0
    for (;;) {
      const next = held.indexOf(mark, start + mark.length)
      if (next < 0) break
      yield held.subarray(start + mark.length, next - 1)
      start = next
    }
    held = held.subarray(start)
    if (held.length > RECORD_BYTES) throw malformed()
  }
  if (held.length > 0) yield held.subarray(mark.length, held.length - 1)
}

const TYPES: Readonly<Record<number, FoundEntry['type']>> = {
  32768: 'file',
  16384: 'folder',
  40960: 'link',
}

function entryOf(record: Buffer): FoundEntry {
  const name = record.indexOf('.')
  const fields = record
    .subarray(0, Math.max(0, name - 1))
    .toString('latin1')
    .split(' ')
  const raw = Number.parseInt(fields[0] ?? '', 16)
  const [size, mtime, uid, gid, links] = fields.slice(1).map(Number)
  if (fields.length !== 6 || Number.isNaN(raw)) throw malformed()
  return {
    path: pathOf(record.subarray(name)),
    type: TYPES[raw & 0xf000] ?? 'other',
    mode: raw & 0o7777,
    size: size!,
    mtime: Math.max(0, mtime!),
    uid: uid!,
    gid: gid!,
    links: links!,
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** `.` or `./PATH`, as find(1) prints it. */
function pathOf(name: Buffer): string {
  if (name.length === 1) return ''
  const path = textOf(name.subarray(2))
  if (!staysBelow(path)) throw malformed()
  return path
}

function textOf(name: Buffer): string {
  try {
    return utf8.decode(name)
  } catch (cause) {
    throw new NodeError(
      'FAILED_FILES',
      `a name in the lease is no UTF-8: ${name.toString('utf8').replace(/\p{Cc}+/gu, ' ')}`,
      { cause, next: 'rename it, or copy it inside an archive: compute-node exec LEASE -- tar c' },
    )
  }
}

const malformed = (): NodeError =>
  new NodeError('ENGINE_FILES', 'the container lists its files in a way that makes no sense')

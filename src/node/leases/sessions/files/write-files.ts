import { createHash, type Hash, randomBytes } from 'node:crypto'
import { deadline } from '../../../../clock.ts'
import { readLine } from '../../../../containers/byte-reader.ts'
import {
  type SmallTarEntry,
  tarEnd,
  tarHeader,
  tarPadding,
} from '../../../../containers/small-tar.ts'
import { NodeError } from '../../../../errors.ts'
import type { FilesToMiner, PutEntry } from '../../../../protocols/session-files.ts'
import { secondsMs } from '../../../../units.ts'
import { type FilesPlace, filesPlace } from './files-place.ts'
import { type MinersTalk, plain } from './look.ts'
import { skip } from './read-files.ts'
import { runScript, runSmall, type Tool } from './run-tool.ts'
import { quoted } from './shells.ts'
import { takeTurn } from './take-turn.ts'

/** How long removing a part may take. */
const DROP_MS = secondsMs(10)

/**
 * $1 root, $2 a new folder in it. All is unpacked there; the archive's last file then moves it into place: it comes only
 * when every checksum was right, so an input that breaks off changes nothing.
 */
const PUT = `
$b mkdir -p "$1" && cd "$1" || exit 1
trap '$b rm -rf "./$2"' EXIT
trap 'exit 1' HUP TERM INT
$b mkdir "./$2" || exit 1
$b tar xof - -C "./$2" || exit 1
[ -f "./$2/.cn-commit" ] || { echo "the contents did not come whole" >&2; exit 1; }
. "./$2/.cn-commit"`

/** Makes many entries below a root: each file is moved into place whole, or nothing of the message is. */
export async function putEntries(
  place: FilesPlace,
  { root, entries }: Extract<FilesToMiner, { kind: 'put' }>,
  talk: MinersTalk,
): Promise<void> {
  const stage = `.cn-cp-${randomBytes(8).toString('hex')}`
  const args = [plain(root), stage]
  await using tool = await runScript(place, { script: PUT, args, isFollowed: true })
  for (const entry of entries) {
    if (entry.type === 'folder') continue
    await tool.feed(tarHeader(headerOf(entry)))
    if (entry.type === 'file') await takeContents(tool, entry.size, entry.path, talk)
  }
  const script = Buffer.from(moves(stage, entries))
  const { length: size } = script
  await tool.feed(
    tarHeader({ type: 'file', path: '.cn-commit', size, mode: 0o600, mtime: 0, target: '' }),
  )
  await tool.feed(Buffer.concat([script, Buffer.alloc(tarPadding(size)), tarEnd()]))
  await tool.endInput()
  await tool.done()
  await talk.tell({ kind: 'done' })
}

const headerOf = (entry: Exclude<PutEntry, { type: 'folder' }>): SmallTarEntry =>
  entry.type === 'file' ? { ...entry, target: '' } : { ...entry, size: 0, mode: 0o777, mtime: 0 }

async function takeContents(
  tool: Tool,
  size: number,
  path: string,
  talk: MinersTalk,
): Promise<void> {
  const hash = createHash('sha256')
  for await (const data of talk.hearBytes(size)) {
    hash.update(data)
    await tool.feed(data)
  }
  const message = await talk.hearMessage()
  if (message.kind !== 'sum') throw new NodeError('BAD_MESSAGE', 'a checksum is missing')
  assertSum(hash, message.sha256, path)
  await tool.feed(Buffer.alloc(tarPadding(size)))
}

function assertSum(hash: Hash, sha256: Uint8Array, path: string): void {
  if (hash.digest().equals(sha256)) return
  throw new NodeError('FAILED_CHECKSUM', `${path}: what arrived is not what was sent`, {
    next: 'copy it again; the file there before, if any, is untouched',
  })
}

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

/** A script that moves everything from the stage to the root, folder by folder: one process for many files. */
function moves(stage: string, entries: readonly PutEntry[]): string {
  const folders = entries.filter(({ type }) => type === 'folder').map(({ path }) => path)
  const files = Map.groupBy(
    entries.filter(({ type }) => type !== 'folder'),
    ({ path }) => folderOf(path),
  )
  const all = [...folders, ...files.keys()].filter((path) => path !== '')
  const made = all.map((path) => quoted(`./${path}`)).join(' ')
  return [
    ...(all.length === 0 ? [] : [`$b mkdir -p ${made} || exit 1`]),
    ...[...files].map(([folder, inside]) => {
      const from = inside.map(({ path }) => quoted(`./${stage}/${path}`)).join(' ')
      return `$b mv -f ${from} ${quoted(`./${folder}${folder === '' ? '' : '/'}`)} || exit 1`
    }),
    '',
  ].join('\n')
}

/**
 * $1 part, $2 `anew`, or how much of it the renter has seen: more may have come before its earlier copy was over. Prints
 * how long it is and what is there, then takes its input.
 */
const APPEND = `
d=\${1%/*}; [ "$d" = "$1" ] || $b mkdir -p "\${d:-/}" || exit 1
[ -L "$1" ] && { $b rm -f "$1" || exit 1; }
if [ "$2" = anew ]; then : >"$1" || exit 1; echo 0
else
  size=$($b stat -c %s "$1") || exit 1
  [ "$size" -gt "$2" ] && { size=$2; $b dd of="$1" bs=1 seek="$2" count=0 2>/dev/null || exit 1; }
  echo "$size"; $b cat "$1" || exit 1
fi
exec $b cat >>"$1"`

/** $1 path, $2 part, $3 size, $4 mode, $5 mtime; the last two may be empty. */
const COMMIT = `
[ "$($b stat -c %s "$2")" = "$3" ] || { echo "$2 has another size" >&2; exit 1; }
[ -d "$1" ] && { echo "$1: is a folder" >&2; exit 1; }
[ "$4" ] && { $b chmod "$4" "$2" || exit 1; }
[ "$5" ] && { $b touch -d "@$5" "$2" || exit 1; }
exec $b mv -f "$2" "$1"`

type Write = Extract<FilesToMiner, { kind: 'write' }>

/**
 * Writes one file beside its place, from where an earlier try stopped if that beginning is right, then moves it there.
 * What is written `once` leaves nothing behind that is not whole.
 */
export async function writeFile(place: FilesPlace, write: Write, talk: MinersTalk): Promise<void> {
  using _turn = await takeTurn(place.container, write.part)
  try {
    await writeWhole(place, write, talk)
  } catch (error) {
    if (write.once === true) await drop(place, write.part)
    throw error
  }
}

/** Also of a session that is over: its own tools are hung up on by then. */
async function drop(place: FilesPlace, part: string): Promise<void> {
  using limit = deadline(undefined, DROP_MS)
  try {
    const own = await filesPlace(place.container, place.options, limit.signal)
    const removal = runSmall(own, { script: '$b rm -f "$1"', args: [plain(part)] })
    await removal.finally(() => own.shells.end())
  } catch {
    // With its container it is gone too; else it lies there as what `cp` leaves behind. Why it was dropped is told.
  }
}

async function writeWhole(
  place: FilesPlace,
  { path, part, offset, prefix }: Write,
  talk: MinersTalk,
): Promise<void> {
  const begun = prefix === undefined ? undefined : { offset, prefix }
  const { hash, commit } =
    (begun && (await append(place, part, begun, talk))) ??
    (await append(place, part, undefined, talk))!
  assertSum(hash, commit.sha256, path)
  const { size, mode, mtime } = commit
  const facts = [size, mode?.toString(8) ?? '', mtime ?? ''].map(String)
  await runSmall(place, { script: COMMIT, args: [plain(path), plain(part), ...facts] })
  await talk.tell({ kind: 'done' })
}

interface Appended {
  /** Of the whole file. */
  readonly hash: Hash
  readonly commit: Extract<FilesToMiner, { kind: 'commit' }>
}

/** Takes contents into a part; undefined, nothing taken, when it does not hold the beginning that the renter has. */
async function append(
  place: FilesPlace,
  part: string,
  begun: { readonly offset: number; readonly prefix: Uint8Array } | undefined,
  talk: MinersTalk,
): Promise<Appended | undefined> {
  const args = [plain(part), begun === undefined ? 'anew' : `${begun.offset}`]
  await using tool = await runScript(place, { script: APPEND, args, isFollowed: true })
  const hash = createHash('sha256')
  if (!(await holds(tool, begun, hash))) return undefined
  await tool.pastEngine('write')
  await talk.tell({ kind: 'from', offset: begun?.offset ?? 0 })
  return { hash, commit: await takeAll(tool, hash, talk) }
}

/** Whether the part is as long as the renter thinks, with the same hash. */
async function holds(
  tool: Tool,
  begun: { readonly offset: number; readonly prefix: Uint8Array } | undefined,
  hash: Hash,
): Promise<boolean> {
  const { output } = tool
  const line = await readLine(output)
  if (line === undefined) await tool.done() // says why
  const size = Number(line)
  if (begun === undefined) return size === 0
  if (size !== begun.offset) return false
  return (
    (await skip(output, begun.offset, hash)) === begun.offset &&
    hash.copy().digest().equals(begun.prefix)
  )
}

async function takeAll(tool: Tool, hash: Hash, talk: MinersTalk): Promise<Appended['commit']> {
  for (;;) {
    const heard = await talk.hear()
    if (heard === undefined) throw new NodeError('PEER_LOST', 'the contents were cut off')
    if ('data' in heard) {
      hash.update(heard.data)
      await tool.feed(heard.data)
      continue
    }
    const { message } = heard
    if (message.kind !== 'commit') throw new NodeError('BAD_MESSAGE', 'a file was not finished')
    await tool.endInput()
    await tool.done()
    return message
  }
}

/** $1 root, $2 a file to remove or empty, then modes and paths in turn. */
const MODES = `
cd "$1" || exit 1
[ "$2" ] && { $b rm -f "./$2" || exit 1; }
shift 2
while [ $# -gt 0 ]; do $b chmod "$1" "./$2" || exit 1; shift 2; done`

/** Gives folders their modes, once nothing more comes into them. */
export async function setModes(
  place: FilesPlace,
  { root, modes, mark = '' }: Extract<FilesToMiner, { kind: 'modes' }>,
  talk: MinersTalk,
): Promise<void> {
  const args = modes.flatMap(({ path, mode }) => [mode.toString(8), path])
  await runSmall(place, { script: MODES, args: [plain(root), mark, ...args] })
  await talk.tell({ kind: 'done' })
}

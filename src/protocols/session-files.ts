import { z } from 'zod'
import { KiB } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytes, integer, text } from './fields.ts'
import { OWN_SUM_CHANNEL } from './frames.ts'
import { commandPlace } from './session-fields.ts'

/**
 * Reaches files in the lease's container, as one of its users. What either end says travels on the channel of files,
 * contents on one whose frames are summed by file; every request is answered in turn, and the first that fails ends the session.
 */
export const filesRequest = z.looseObject({
  leaseId: bytes(32),
  kind: z.literal('files'),
  ...commandPlace,
})

/** The channel of what both ends say about files. */
export const FILES_CHANNEL = 4
/** The channel of contents, in either direction: each file has its own SHA-256. */
export const CONTENTS_CHANNEL = OWN_SUM_CHANNEL
/** Such frames arrive whole. */
const MAX_MESSAGE_BYTES = 16 * KiB
/** Names in one message; fewer where they are long. */
export const MAX_NAMES = 200
/** Bytes that the names of one message may have together; the rest of it takes at most 60 each. */
export const NAME_BYTES = 4 * KiB

/** The longest path, and the longest name in it, that Linux takes. */
const MAX_PATH_BYTES = 4095
const MAX_NAME_BYTES = 255

/** A path in the container, absolute or from the folder that commands start in. */
const path = () =>
  z
    .string()
    .min(1)
    .refine((p) => !p.includes('\0') && Buffer.byteLength(p) <= MAX_PATH_BYTES, 'is no path')

/** Whether a path stays below the folder it starts in: no empty, `.` or `..` parts, nothing over-long. */
export function staysBelow(relative: string): boolean {
  if (relative.includes('\0') || Buffer.byteLength(relative) > MAX_PATH_BYTES) return false
  return relative
    .split('/')
    .every(
      (name) =>
        name !== '' && name !== '.' && name !== '..' && Buffer.byteLength(name) <= MAX_NAME_BYTES,
    )
}

/** Below a root; the root itself is the empty path where one may name it. */
const below = () => z.string().refine(staysBelow, 'leads elsewhere')
const rootOrBelow = () => z.string().refine((p) => p === '' || staysBelow(p), 'leads elsewhere')

const size = () => integer(0, Number.MAX_SAFE_INTEGER)
/** Permission bits with set-id and sticky ones. */
const mode = () => integer(0, 0o7777)
/** Unix seconds. */
const mtime = () => integer(0, 0x1_ffff_ffff)

/** Something below a root, as it is found. `other`: a device, a pipe, a socket. */
const foundEntry = z.looseObject({
  path: rootOrBelow(),
  type: z.enum(['file', 'folder', 'link', 'other']),
  size: size(),
  mode: mode(),
  mtime: mtime(),
  uid: integer(0, 0xffff_ffff),
  gid: integer(0, 0xffff_ffff),
  /** How many names a file has. */
  links: integer(0, 0xffff_ffff),
})
export type FoundEntry = z.infer<typeof foundEntry>

/** What a `put` makes below its root: contents of files follow, each with its `sum`. */
const putEntry = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('folder'), path: below() }),
  z.looseObject({
    type: z.literal('file'),
    path: below(),
    size: size(),
    mode: mode(),
    mtime: mtime(),
  }),
  z.looseObject({ type: z.literal('link'), path: below(), target: path() }),
])
export type PutEntry = z.infer<typeof putEntry>

const sum = z.looseObject({ kind: z.literal('sum'), sha256: bytes(32) })

/**
 * To the miner. `look`: what is there, answered with pages of `entries`, none when there is nothing, and `done`;
 * all that is below it (`deep`), or of a folder what lies in it (`near`), then told where that folder really is.
 * `names`: many small files and links below a root, one after the other. `read`: one file; of one that came in part,
 * the part's length and hash. `put`: many entries at once, in place together. `write`: one file, into `part` beside it
 * first, which may hold its beginning; contents, then `commit` puts it in place, or (`once`) the part goes with the session. `modes`: of folders, when all is there;
 * then the `mark` goes that said that the root is not whole.
 */
const toMiner = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('look'),
    path: path(),
    deep: z.boolean(),
    near: z.literal(true).optional(),
  }),
  z.looseObject({
    kind: z.literal('names'),
    root: path(),
    paths: z.array(below()).min(1).max(MAX_NAMES),
  }),
  z.looseObject({
    kind: z.literal('read'),
    path: path(),
    offset: size(),
    prefix: bytes(32).optional(),
  }),
  z.looseObject({
    kind: z.literal('put'),
    root: path(),
    entries: z.array(putEntry).min(1).max(MAX_NAMES),
  }),
  z.looseObject({
    kind: z.literal('write'),
    path: path(),
    part: path(),
    offset: size(),
    prefix: bytes(32).optional(),
    once: z.literal(true).optional(),
  }),
  z.looseObject({
    kind: z.literal('commit'),
    size: size(),
    sha256: bytes(32),
    mode: mode().optional(),
    mtime: mtime().optional(),
  }),
  z.looseObject({
    kind: z.literal('modes'),
    root: path(),
    modes: z.array(z.looseObject({ path: below(), mode: mode() })).max(MAX_NAMES),
    mark: below().optional(),
  }),
  sum,
])

/** To the renter. `file` comes before its contents, `sum` after them; `from`: where the contents of a `write` begin. */
const toRenter = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('entries'), entries: z.array(foundEntry).max(MAX_NAMES) }),
  z.looseObject({ kind: z.literal('file'), offset: size(), size: size().optional() }),
  z.looseObject({ kind: z.literal('link'), target: path() }),
  sum,
  z.looseObject({ kind: z.literal('from'), offset: size() }),
  z.looseObject({
    kind: z.literal('done'),
    note: text(500).optional(),
    /** After a `look` that is `near`: the folder's absolute path, without links. */
    at: path().optional(),
  }),
])

export const filesToMiner = cborCodec(toMiner, MAX_MESSAGE_BYTES)
export const filesToRenter = cborCodec(toRenter, MAX_MESSAGE_BYTES)
export type FilesToMiner = Message<typeof filesToMiner>
export type FilesToRenter = Message<typeof filesToRenter>

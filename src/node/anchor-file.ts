import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { NodeError } from '../errors.ts'
import { bindingSchema } from '../protocols/capability.ts'
import { cborCodec, type Message } from '../protocols/codec.ts'
import { bytes, bytesUpTo, integer } from '../protocols/fields.ts'
import type { Network } from '../protocols/network.ts'
import { MAX_ANCHORED } from '../protocols/records-tree.ts'
import { KiB } from '../units.ts'
import { reasonOf } from './config.ts'

const ID_BYTES = 32
/** An hour's anchors of a week; what an older one held is proven by files that were made of it. */
const KEPT = 168

const anchorSchema = z.looseObject({
  netDigest: bytes(32),
  /** Public key. */
  hotkey: bytes(32),
  seq: integer(0, Number.MAX_SAFE_INTEGER),
  bindingsRoot: bytes(32),
  recordsRoot: bytes(32),
  /** The final block that holds it; absent while it is not known to stand. */
  block: integer(0, 0xffffffff).optional(),
  /** Place of its transaction in that block; absent where the chain did not tell it. */
  index: integer(0, 0xffffffff).optional(),
  /** This node's own, where the commitment held it. */
  binding: bindingSchema.optional(),
  /** Ids of all records, in order, one after another. */
  ids: bytesUpTo(ID_BYTES * MAX_ANCHORED),
})
const codec = cborCodec(anchorSchema, ID_BYTES * MAX_ANCHORED + 4 * KiB)

/** What a hotkey anchored once, as the data folder that did it keeps it. */
export type Anchor = Message<typeof codec>

/** Ids as a file holds them, and back. */
export const packIds = (ids: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(Buffer.concat(ids))
export const unpackIds = (packed: Uint8Array): Uint8Array[] =>
  Array.from({ length: packed.length / ID_BYTES }, (_, i) =>
    packed.subarray(i * ID_BYTES, (i + 1) * ID_BYTES),
  )

const folderOf = (dataDir: string): string => join(dataDir, 'anchors')
/** Names sort as numbers do. */
const nameOf = ({ seq }: Pick<Anchor, 'seq'>): string => `${String(seq).padStart(16, '0')}.cbor`

/** Written whole or not at all, before the chain is asked to hold it, and again once it does; the oldest go. */
export async function keepAnchor(dataDir: string, anchor: Anchor): Promise<void> {
  const folder = folderOf(dataDir)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const draft = join(folder, `${randomBytes(4).toString('hex')}.draft`)
  await writeFile(draft, codec.encode(anchor), { mode: 0o600, flush: true })
  await rename(draft, join(folder, nameOf(anchor)))
  for (const name of (await namesIn(folder)).slice(0, -KEPT)) await rm(join(folder, name))
}

/** What a data folder anchored for one hotkey of one market, oldest first. */
export async function keptAnchors(
  dataDir: string,
  net: Network,
  hotkey?: Uint8Array,
): Promise<Anchor[]> {
  const all: Anchor[] = []
  for (const name of await namesIn(folderOf(dataDir)))
    all.push(await readAnchor(join(folderOf(dataDir), name)))
  const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
  return all.filter(
    (one) => same(one.netDigest, net.digest) && (hotkey === undefined || same(one.hotkey, hotkey)),
  )
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.cbor')).toSorted()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw unreadable(folder, cause)
  }
}

async function readAnchor(file: string): Promise<Anchor> {
  try {
    return codec.decode(new Uint8Array(await readFile(file)))
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

const unreadable = (file: string, cause: unknown): NodeError =>
  new NodeError('BAD_CONFIG_ANCHOR', `cannot read ${file}: ${reasonOf(cause)}`, {
    cause,
    next: 'move it away: what it anchored stands on the chain, but cannot be proven without it',
  })

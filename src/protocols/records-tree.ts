import { hash } from 'node:crypto'
import { NodeError } from '../errors.ts'

/** A tree has at most this many records; 32 MiB of ids. */
export const MAX_ANCHORED = 2 ** 20
/** Its longest path. */
export const MAX_PATH = 20
const ID_BYTES = 32

const LEAF_DOMAIN = Buffer.from('compute-node/anchor-leaf/1\0')
const NODE_DOMAIN = Buffer.from('compute-node/anchor-node/1\0')
const ROOT_DOMAIN = Buffer.from('compute-node/anchor-root/1\0')
/** Fills a tree up to a power of two; no leaf hashes to it. */
const PADDING = new Uint8Array(32)
/** The root of a hotkey that anchors nothing: no tree has it. */
export const NO_RECORDS = new Uint8Array(32)

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(hash('sha256', Buffer.concat(parts), 'buffer'))

/** Where one record stands in a tree: enough, with its id, to compute the root. */
export interface RecordProof {
  /** Its place in the order of ids. */
  readonly index: number
  /** How many records the tree has; the root binds it. */
  readonly count: number
  /** Siblings from the leaf up, 32 B each. */
  readonly path: readonly Uint8Array[]
}

/** A tree over the ids of records: its root, and the proof of each of them. */
export interface RecordsTree {
  readonly root: Uint8Array
  /** Undefined for an id that it does not hold. */
  prove(id: Uint8Array): RecordProof | undefined
}

/** Ids as a tree takes them: in order, each once. */
export const sortedIds = (ids: Iterable<Uint8Array>): Uint8Array[] =>
  [...ids].sort(Buffer.compare).filter((id, i, all) => i === 0 || !same(id, all[i - 1]!))

/**
 * The tree over records' ids, in any order: sorted, each once, filled up with zeros to a power of two (docs/chain.md,
 * "Anchors"). Without records its root is 32 zero bytes.
 * @throws BAD_CONFIG_RECORDS beyond 2^20 records
 */
export function recordsTree(records: Iterable<Uint8Array>): RecordsTree {
  const ids = sortedIds(records)
  if (ids.length > MAX_ANCHORED)
    throw new NodeError('BAD_CONFIG_RECORDS', `an anchor holds at most ${MAX_ANCHORED} records`)
  const levels = levelsOf(ids)
  const count = ids.length
  return {
    root: count === 0 ? NO_RECORDS : rootOf(count, levels.at(-1)![0]!),
    prove(id) {
      const index = placeOf(ids, id)
      if (index === undefined) return undefined
      const path = levels.slice(0, -1).map((level, height) => level[(index >> height) ^ 1]!)
      return { index, count, path }
    },
  }
}

/** The root that a record's proof leads to; undefined for a proof that no tree gives. */
export function provenRoot(
  id: Uint8Array,
  { index, count, path }: RecordProof,
): Uint8Array | undefined {
  const whole = Number.isSafeInteger(index) && Number.isSafeInteger(count)
  if (!whole || index < 0 || index >= count || count > MAX_ANCHORED) return undefined
  if (path.length !== heightOf(count) || id.length !== ID_BYTES) return undefined
  const top = path.reduce(
    (node, sibling, height) =>
      (index >> height) & 1
        ? sha256(NODE_DOMAIN, sibling, node)
        : sha256(NODE_DOMAIN, node, sibling),
    sha256(LEAF_DOMAIN, id),
  )
  return rootOf(count, top)
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
const heightOf = (count: number): number => Math.ceil(Math.log2(count))

function rootOf(count: number, top: Uint8Array): Uint8Array {
  const u32 = Buffer.alloc(4)
  u32.writeUInt32BE(count)
  return sha256(ROOT_DOMAIN, u32, top)
}

/** Every level from the leaves up; none without leaves. */
function levelsOf(ids: readonly Uint8Array[]): Uint8Array[][] {
  if (ids.length === 0) return []
  const leaves = ids.map((id) => sha256(LEAF_DOMAIN, id))
  const padding = Array.from({ length: 2 ** heightOf(ids.length) - ids.length }, () => PADDING)
  const levels = [[...leaves, ...padding]]
  for (let level = levels[0]!; level.length > 1; level = levels.at(-1)!) {
    levels.push(
      Array.from({ length: level.length / 2 }, (_, i) =>
        sha256(NODE_DOMAIN, level[2 * i]!, level[2 * i + 1]!),
      ),
    )
  }
  return levels
}

/** Binary search in sorted ids. */
function placeOf(ids: readonly Uint8Array[], id: Uint8Array): number | undefined {
  let [low, high] = [0, ids.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (Buffer.compare(ids[middle]!, id) < 0) low = middle + 1
    else high = middle
  }
  return low < ids.length && same(ids[low]!, id) ? low : undefined
}

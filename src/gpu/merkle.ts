import { type Bytes, taggedHash } from './hash.ts'

/** The hash of one leaf's data. */
export const hashLeaf = (data: Bytes): Bytes => taggedHash('leaf', data)

/** The hash over two children. */
export const hashNode = (left: Bytes, right: Bytes): Bytes => taggedHash('node', left, right)

/** All levels of a tree: the first is the leaves, the last holds the root alone. The leaf count is a power of two. */
export function merkleLevels(leaves: readonly Bytes[]): (readonly Bytes[])[] {
  if (leaves.length === 0 || (leaves.length & (leaves.length - 1)) !== 0) {
    throw new RangeError(`a tree needs a power of two leaves, got ${leaves.length}`)
  }
  const levels: (readonly Bytes[])[] = [leaves]
  for (let below = leaves; below.length > 1; ) {
    const above: Bytes[] = []
    for (let i = 0; i < below.length; i += 2) above.push(hashNode(below[i]!, below[i + 1]!))
    levels.push(above)
    below = above
  }
  return levels
}

/** The root of a tree's levels. */
export const rootOf = (levels: readonly (readonly Bytes[])[]): Bytes => levels.at(-1)![0]!

/** The siblings from one leaf up to the root. */
export const merklePath = (levels: readonly (readonly Bytes[])[], index: number): Bytes[] =>
  levels.slice(0, -1).map((level, depth) => level[(index >> depth) ^ 1]!)

/** The root that a leaf's hash and its siblings lead to; the caller has checked the path's length and the index. */
export function rootFromPath(leaf: Bytes, index: number, path: Bytes): Bytes {
  let node = leaf
  for (let depth = 0; depth < path.length / 32; depth++) {
    const sibling = path.subarray(32 * depth, 32 * depth + 32)
    node = (index >> depth) & 1 ? hashNode(sibling, node) : hashNode(node, sibling)
  }
  return node
}

/**
 * Memory that must really be there. A buffer of V bytes is filled slowly from a seed, then streamed over and over under
 * chained keys: an 8-byte digest per 4 KiB page, a Merkle root per pass, the next key from key and root. Recomputing a
 * missing page costs more than reading a present one, so passes per second times V measures resident memory
 * (notes/gpu-proof.md §0, gpu-protocol.md §14).
 */
import { type Bytes, taggedHash } from './hash.ts'
import { HEAP, type Kernels, PAGE_BYTES } from './kernels.ts'
import { hashLeaf, merkleLevels } from './merkle.ts'

/** First nonce words of the streams: the fill, and the choice of opened pages. */
export const DOMAIN_FILL = 0x56000001
export const DOMAIN_OPEN_PAGES = 0x50000001

export const PAGES_PER_LEAF = 128
/** A leaf of a pass's tree: the digests of 128 pages. */
export const LEAF_BYTES = 8 * PAGES_PER_LEAF
/** V is a multiple of this, 512 KiB. */
export const FILL_UNIT_BYTES = PAGE_BYTES * PAGES_PER_LEAF

/** Siblings on the way from a leaf to the root; the tree is padded to a power of two leaves with zero hashes. */
export const passDepth = (bytes: number): number => Math.ceil(Math.log2(bytes / FILL_UNIT_BYTES))

/** The key of the next pass: nobody can start it before this one is done. */
export const nextPassKey = (key: Bytes, root: Bytes): Bytes => taggedHash('passKey', key, root)

/** The hash of each leaf of a pass's digests (8 B per page). */
export const hashLeaves = (digests: Bytes): Bytes[] =>
  Array.from({ length: digests.length / LEAF_BYTES }, (_, i) =>
    hashLeaf(digests.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES)),
  )

/** All levels of one pass's tree, from the hashes of its leaves: the last holds the root alone. */
export function levelsOfLeaves(leaves: readonly Bytes[]): (readonly Bytes[])[] {
  const zeros = 2 ** passDepth(leaves.length * FILL_UNIT_BYTES) - leaves.length
  return merkleLevels([...leaves, ...Array.from({ length: zeros }, () => new Uint8Array(32))])
}

/** All levels of one pass's tree over its digests (8 B per page). */
export const passLevels = (digests: Bytes): (readonly Bytes[])[] =>
  levelsOfLeaves(hashLeaves(digests))

/** A locality chain on its way: its state, 16 B, and the hops that are left to make. */
export interface Walk {
  readonly state: Bytes
  readonly left: number
}

/** The page that a chain in this state reads next, of `pages`. */
export function pageOfHop(state: Bytes, pages: number): number {
  const word = new DataView(state.buffer, state.byteOffset).getUint32(0, true)
  return Number((BigInt(word) * BigInt(pages)) >> 32n)
}

/** Pages handled between two looks at the kernels' memory. */
const PAGES_AT_ONCE = 256

/** Where a fill of `bytes` ends in the kernels' memory, with the digests of a pass. */
export const fillEnd = (bytes: number): number => HEAP + bytes + (bytes / PAGE_BYTES) * 8

/** A fill, or some of its pages, in the kernels' own memory, for the processor. */
export class ResidentFill {
  readonly bytes: number
  readonly #kernels: Kernels
  readonly #firstPage: number

  /** Fills `bytes` (a multiple of FILL_UNIT_BYTES) from `seed`; takes about as long as reading them 50 times. */
  constructor(kernels: Kernels, seed: Bytes, bytes: number, iterations: number, firstPage = 0) {
    if (bytes < FILL_UNIT_BYTES || bytes % FILL_UNIT_BYTES !== 0) {
      throw new RangeError(`a fill is a multiple of ${FILL_UNIT_BYTES} bytes, not ${bytes}`)
    }
    this.bytes = bytes
    this.#kernels = kernels
    this.#firstPage = firstPage
    kernels.reserve(fillEnd(bytes))
    kernels.setKey(seed)
    for (let page = 0; page < bytes / PAGE_BYTES; page += PAGES_AT_ONCE) {
      const count = Math.min(PAGES_AT_ONCE, bytes / PAGE_BYTES - page)
      kernels.fill(DOMAIN_FILL, firstPage + page, count, iterations, HEAP + page * PAGE_BYTES)
    }
  }

  /** The digests of every page under a key, 8 B each, as a copy. */
  pass(key: Bytes): Bytes {
    const pages = this.bytes / PAGE_BYTES
    const out = HEAP + this.bytes
    this.#kernels.setKey(key)
    this.#kernels.digest(HEAP, this.#firstPage, pages, out)
    return this.#kernels.memory().slice(out, out + 8 * pages)
  }

  /** The state (16 B) of a locality chain over a whole fill `count` hops on; `key` is 16 B (locality-proof.ts). */
  hops(state: Bytes, key: Bytes, count: number): Bytes {
    return this.hopsWithin({ state, left: count }, key, this.bytes / PAGE_BYTES).state
  }

  /** Goes along a chain over a fill of `pages` pages until it is at its end, or at a page that is not here. */
  hopsWithin({ state, left }: Walk, key: Bytes, pages: number): Walk {
    const [first, own] = [this.#firstPage, this.bytes / PAGE_BYTES]
    // Where the fill's page 0 would lie; addresses are counted modulo 2³².
    const from = HEAP - first * PAGE_BYTES
    if (own === pages) {
      return { state: this.#kernels.hops(state, key, from, pages, left), left: 0 }
    }
    let walk: Walk = { state, left }
    while (walk.left > 0) {
      const page = pageOfHop(walk.state, pages)
      if (page < first || page >= first + own) break
      walk = { state: this.#kernels.hops(walk.state, key, from, pages, 1), left: walk.left - 1 }
    }
    return walk
  }
}

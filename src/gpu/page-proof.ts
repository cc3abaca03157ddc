/**
 * One page of one pass over a resident fill, shown with the digest that was committed for it. Anybody computes what the
 * digest must be, from seeds and the roots of the passes before, so a wrong one convicts whoever committed it, and a
 * right one whoever called it wrong (notes/gpu-protocol.md §11).
 */

import { equalBytes } from '../bytes.ts'
import type { Shown } from './element-proof.ts'
import type { Bytes } from './hash.ts'
import { type Kernels, PAGE_BYTES } from './kernels.ts'
import { hashLeaf, rootFromPath } from './merkle.ts'
import {
  checkPassStatement,
  digestOfPage,
  openedPages,
  type PageAt,
  type PassLimits,
  type PassOpenings,
  type PassStatement,
  passKeys,
} from './residency-proof.ts'
import { LEAF_BYTES, PAGES_PER_LEAF, passDepth } from './resident-fill.ts'
import { tickChain, validCounts } from './tick-chain.ts'

/** What shows a page's digest; nothing of it is believed before the signed head binds it. */
export interface PageProof {
  /** Passes claimed at each tick, and 32 B per pass: what the head was made of. */
  readonly counts: readonly number[]
  readonly roots: Bytes
  /** The digests of 128 pages, the page's among them, LEAF_BYTES, with the path to the pass's root. */
  readonly leaf: Bytes
  readonly path: Bytes
}

const isBytes = (value: unknown, length: number): value is Bytes =>
  value instanceof Uint8Array && value.length === length
const isIndex = (value: unknown, end: number): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < end

/** What a proof shows of a page of the passes that a statement speaks of. Never throws on bytes. */
export function judgePage(
  kernels: Kernels,
  s: PassStatement,
  [pass, page]: PageAt,
  { counts, roots, leaf, path }: PageProof,
  limits: PassLimits,
): Shown {
  if (checkPassStatement(s, limits) !== null) return 'unproven'
  const isThere = isIndex(pass, s.passes) && isIndex(page, s.bytes / PAGE_BYTES)
  const shaped =
    validCounts(counts, s.ticks, s.passes) &&
    isBytes(roots, 32 * s.passes) &&
    isBytes(leaf, LEAF_BYTES) &&
    isBytes(path, 32 * passDepth(s.bytes))
  if (!isThere || !shaped) return 'unproven'
  if (!equalBytes(tickChain(s.passSeed, counts, roots).at(-1)!, s.closing)) return 'unproven'
  const root = rootFromPath(hashLeaf(leaf), Math.floor(page / PAGES_PER_LEAF), path)
  if (!equalBytes(root, roots.subarray(32 * pass, 32 * pass + 32))) return 'unproven'
  const key = passKeys(s.passSeed, roots)[pass]!
  const digest = digestOfPage(kernels, s.fillSeed, key, page, limits.iterations)
  const place = 8 * (page % PAGES_PER_LEAF)
  return equalBytes(digest, leaf.subarray(place, place + 8)) ? 'right' : 'wrong'
}

/** Whether whoever checked the openings of this statement looked at the page. */
export function isSampledPage(
  kernels: Kernels,
  s: PassStatement,
  at: PageAt,
  limits: PassLimits,
): boolean {
  return checkPassStatement(s, limits) === null && placeOf(kernels, s, at, limits) >= 0
}

/** Where a page stands among those opened; below 0 when it does not. */
const placeOf = (
  kernels: Kernels,
  s: PassStatement,
  [pass, page]: PageAt,
  limits: PassLimits,
): number =>
  openedPages(kernels, s.openSeed, s.passes, s.bytes / PAGE_BYTES, limits).findIndex(
    (opened) => opened.pass === pass && opened.page === page,
  )

/** Cuts the proof of an opened page out of well-shaped openings; throws RangeError when it was not opened. */
export function provePage(
  kernels: Kernels,
  s: PassStatement,
  at: PageAt,
  { counts, roots, leaves, paths }: PassOpenings,
  limits: PassLimits,
): PageProof {
  const place = placeOf(kernels, s, at, limits)
  if (place < 0) throw new RangeError(`page ${at[1]} of pass ${at[0]} was not opened`)
  const pathBytes = 32 * passDepth(s.bytes)
  return {
    counts,
    roots,
    leaf: leaves.slice(place * LEAF_BYTES, (place + 1) * LEAF_BYTES),
    path: paths.slice(place * pathBytes, (place + 1) * pathBytes),
  }
}

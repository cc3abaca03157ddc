/**
 * Proving and checking passes over a resident fill. After the work a public seed picks passes and pages; the verifier
 * recomputes each picked page and its digest. Nothing that steers the check is read from the prover (gpu-protocol §6).
 */

import { concat, equalBytes } from '../bytes.ts'
import type { Bytes } from './hash.ts'
import { HEAP, type Kernels, PAGE_BYTES } from './kernels.ts'
import { hashLeaf, rootFromPath } from './merkle.ts'
import {
  DOMAIN_FILL,
  DOMAIN_OPEN_PAGES,
  FILL_UNIT_BYTES,
  LEAF_BYTES,
  nextPassKey,
  PAGES_PER_LEAF,
  passDepth,
} from './resident-fill.ts'
import { tickChain, validCounts } from './tick-chain.ts'

/** What a network allows a residency proof to be. */
export interface PassLimits {
  readonly maxBytes: number
  /** Passes beyond this are not counted. */
  readonly maxPasses: number
  readonly maxTicks: number
  /** Passes opened, or all when there are fewer, and pages opened in each; their product is kept either way. */
  readonly passSamples: number
  readonly pageSamples: number
  /** Permutations per 64 B of the fill: what makes recomputing dearer than reading. */
  readonly iterations: number
}

/** What a verifier knows before it looks at any opened byte. */
export interface PassStatement {
  readonly fillSeed: Bytes
  readonly passSeed: Bytes
  readonly openSeed: Bytes
  /** Size of the fill, V. */
  readonly bytes: number
  readonly passes: number
  readonly ticks: number
  /** Head of the tick chain that the close bound. */
  readonly closing: Bytes
}

/** What the prover opens; lengths are the only freedom and are checked first. */
export interface PassOpenings {
  /** Passes claimed at each tick. */
  readonly counts: readonly number[]
  /** 32 B per pass. */
  readonly roots: Bytes
  /** The leaf of each opened page, LEAF_BYTES each. */
  readonly leaves: Bytes
  /** 32·passDepth(bytes) B per opened page. */
  readonly paths: Bytes
}

export type PassFault = 'NO_WORK' | 'BAD_SHAPE' | 'BAD_COMMIT' | 'BAD_PATH' | 'BAD_VALUE'
/** Where the proof breaks: the pass, from 0, and the page. */
export type PageAt = readonly [pass: number, page: number]
export type PassVerdict =
  | { readonly ok: true; readonly heads: readonly Bytes[]; readonly pages: number }
  | { readonly ok: false; readonly why: PassFault; readonly at?: PageAt }

/** How many passes are opened, and pages in each. */
export function pageSamples(passes: number, limits: PassLimits): { passes: number; each: number } {
  const opened = Math.min(limits.passSamples, passes)
  return { passes: opened, each: Math.ceil((limits.passSamples * limits.pageSamples) / opened) }
}

/** The exact size of every buffer of the openings, bytes. */
export function passOpeningsBytes(bytes: number, passes: number, limits: PassLimits) {
  const opened = pageSamples(passes, limits)
  const pages = opened.passes * opened.each
  return { roots: 32 * passes, leaves: pages * LEAF_BYTES, paths: pages * 32 * passDepth(bytes) }
}

/** The opened pages: distinct passes in ascending order, the pages of each as drawn. */
export function openedPages(
  kernels: Kernels,
  openSeed: Bytes,
  passes: number,
  pages: number,
  limits: PassLimits,
): { readonly pass: number; readonly page: number }[] {
  const samples = pageSamples(passes, limits)
  let block = 0
  let words: number[] = []
  const below = (end: number): number => {
    if (words.length === 0) {
      kernels.setKey(openSeed)
      words = [...kernels.words(DOMAIN_OPEN_PAGES, 0, block)].reverse()
      block += 4
    }
    return Number((BigInt(words.pop()!) * BigInt(end)) >> 32n)
  }
  const chosen = new Set<number>()
  while (chosen.size < samples.passes) chosen.add(below(passes)) // never more than there are, so it ends
  return [...chosen]
    .sort((a, b) => a - b)
    .flatMap((pass) => Array.from({ length: samples.each }, () => ({ pass, page: below(pages) })))
}

const within = (value: number, max: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= max

/** Whether a fill may have this size: a multiple of FILL_UNIT_BYTES, so that every leaf of a pass is full. */
export const provableBytes = (bytes: number, { maxBytes }: PassLimits): boolean =>
  within(bytes, maxBytes) && bytes >= FILL_UNIT_BYTES && bytes % FILL_UNIT_BYTES === 0

/** What is wrong with a statement, or null. */
export function checkPassStatement(s: PassStatement, limits: PassLimits): PassFault | null {
  if (!provableBytes(s.bytes, limits)) return 'BAD_SHAPE'
  const seeds = [s.fillSeed, s.passSeed, s.openSeed, s.closing]
  if (seeds.some((b) => b.length !== 32)) return 'BAD_SHAPE'
  if (!within(s.passes, limits.maxPasses) || !within(s.ticks, limits.maxTicks)) return 'BAD_SHAPE'
  return s.passes === 0 || s.ticks === 0 ? 'NO_WORK' : null
}

const isBytes = (value: unknown, length: number): boolean =>
  value instanceof Uint8Array && value.length === length

function wellShaped(s: PassStatement, openings: unknown, limits: PassLimits): boolean {
  if (typeof openings !== 'object' || openings === null) return false
  const { roots, leaves, paths, counts } = openings as Record<keyof PassOpenings, unknown>
  const want = passOpeningsBytes(s.bytes, s.passes, limits)
  const sized =
    isBytes(roots, want.roots) && isBytes(leaves, want.leaves) && isBytes(paths, want.paths)
  return sized && validCounts(counts, s.ticks, s.passes)
}

/** The keys of all passes, chained through the roots. */
export function passKeys(passSeed: Bytes, roots: Bytes): Bytes[] {
  const keys = [passSeed]
  for (let at = 32; at < roots.length; at += 32) {
    keys.push(nextPassKey(keys.at(-1)!, roots.subarray(at - 32, at)))
  }
  return keys
}

/**
 * Checks openings against what the verifier derived. Never throws on prover bytes. On success the heads of the tick
 * chain come back, so that the caller can look up the tick it counted.
 */
export function verifyPasses(
  kernels: Kernels,
  s: PassStatement,
  openings: PassOpenings,
  limits: PassLimits,
): PassVerdict {
  const bad = checkPassStatement(s, limits)
  if (bad !== null) return { ok: false, why: bad }
  if (!wellShaped(s, openings, limits)) return { ok: false, why: 'BAD_SHAPE' }
  const { roots, leaves, paths, counts } = openings
  const heads = tickChain(s.passSeed, counts, roots)
  if (!equalBytes(heads.at(-1)!, s.closing)) return { ok: false, why: 'BAD_COMMIT' }
  const keys = passKeys(s.passSeed, roots)
  const opened = openedPages(kernels, s.openSeed, s.passes, s.bytes / PAGE_BYTES, limits)
  const pathBytes = 32 * passDepth(s.bytes)
  for (const [i, { pass, page }] of opened.entries()) {
    const leaf = leaves.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES)
    const path = paths.subarray(i * pathBytes, (i + 1) * pathBytes)
    const root = rootFromPath(hashLeaf(leaf), Math.floor(page / PAGES_PER_LEAF), path)
    const at: PageAt = [pass, page]
    if (!equalBytes(root, roots.subarray(32 * pass, 32 * pass + 32))) {
      return { ok: false, why: 'BAD_PATH', at }
    }
    const digest = digestOfPage(kernels, s.fillSeed, keys[pass]!, page, limits.iterations)
    const within8 = 8 * (page % PAGES_PER_LEAF)
    if (!equalBytes(digest, leaf.subarray(within8, within8 + 8))) {
      return { ok: false, why: 'BAD_VALUE', at }
    }
  }
  return { ok: true, heads, pages: opened.length }
}

/** The digest a page must have, from nothing but the seeds: 0.2 ms at 128 iterations. */
export function digestOfPage(
  kernels: Kernels,
  fillSeed: Bytes,
  key: Bytes,
  page: number,
  iterations: number,
): Bytes {
  kernels.reserve(HEAP + PAGE_BYTES + 8)
  kernels.setKey(fillSeed)
  kernels.fill(DOMAIN_FILL, page, 1, iterations, HEAP)
  kernels.setKey(key)
  kernels.digest(HEAP, page, 1, HEAP + PAGE_BYTES)
  return kernels.memory().slice(HEAP + PAGE_BYTES, HEAP + PAGE_BYTES + 8)
}

/** Where opened pages lie: the pass's leaf, and its siblings. */
export interface OpenedLeaves {
  readonly leaves: Bytes
  readonly paths: Bytes
}

/** Puts together what a prover opens, from the leaves of each opened pass in order. */
export const joinPassOpenings = (
  counts: readonly number[],
  roots: Bytes,
  opened: readonly OpenedLeaves[],
): PassOpenings => ({
  counts,
  roots,
  leaves: concat(opened.map(({ leaves }) => leaves)),
  paths: concat(opened.map(({ paths }) => paths)),
})

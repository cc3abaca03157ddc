/**
 * Proofs of cards that this machine does not have: only what is opened exists, made so that every check passes. The
 * verifier does the same work as for a real one.
 */
import { randomBytes } from 'node:crypto'
import { concat, sha256 } from '../../src/bytes.ts'
import { DOMAIN_C, DOMAIN_X, hashRow, requantize } from '../../src/gpu/gemm-chain.ts'
import {
  type GemmLimits,
  type GemmOpenings,
  type GemmStatement,
  openedRows,
  rowsPerStep,
} from '../../src/gpu/gemm-proof.ts'
import { type Bytes, u32 } from '../../src/gpu/hash.ts'
import { HEAP, type Kernels, PAGE_BYTES } from '../../src/gpu/kernels.ts'
import {
  type HopLimits,
  type HopOpenings,
  type HopStatement,
  hashState,
  hopKey,
  openedSegments,
  STATE_BYTES,
} from '../../src/gpu/locality-proof.ts'
import { hashLeaf, hashNode } from '../../src/gpu/merkle.ts'
import {
  digestOfPage,
  openedPages,
  type PassLimits,
  type PassOpenings,
  type PassStatement,
} from '../../src/gpu/residency-proof.ts'
import {
  DOMAIN_FILL,
  LEAF_BYTES,
  nextPassKey,
  PAGES_PER_LEAF,
  passDepth,
} from '../../src/gpu/resident-fill.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'

/** A tree of 2^depth leaves of which only those in `leaves` exist; the rest is made up. */
function sparseTree(leaves: ReadonlyMap<number, Bytes>, depth: number, salt: number) {
  const known = new Map<string, Bytes>()
  const madeUp = (level: number, index: number): Bytes =>
    sha256(concat([u32(salt), u32(level), u32(index)]))
  const node = (level: number, index: number): Bytes =>
    known.get(`${level}/${index}`) ?? madeUp(level, index)
  for (const [index, hash] of leaves) known.set(`0/${index}`, hash)
  let indexes = [...leaves.keys()]
  for (let level = 0; level < depth; level++) {
    indexes = [...new Set(indexes.map((i) => i >> 1))]
    for (const i of indexes) {
      known.set(`${level + 1}/${i}`, hashNode(node(level, 2 * i), node(level, 2 * i + 1)))
    }
  }
  return {
    root: node(depth, 0),
    path: (index: number): Bytes =>
      concat(Array.from({ length: depth }, (_, level) => node(level, (index >> level) ^ 1))),
  }
}

/** A GEMM proof of any size that verifies, of seeds of its own where none are given. */
export function syntheticGemm(
  kernels: Kernels,
  size: { readonly n: number; readonly steps: number },
  limits: GemmLimits,
  seeds: Pick<GemmStatement, 'seed' | 'openSeed'> = {
    seed: randomBytes(32),
    openSeed: randomBytes(32),
  },
): { readonly statement: GemmStatement; readonly openings: GemmOpenings } {
  const { n, steps } = size
  const { seed, openSeed } = seeds
  const r = rowsPerStep(steps, limits)
  const chosen = Array.from({ length: steps + 1 }, (_, t) => openedRows(kernels, openSeed, t, r, n))
  const [c, x] = [HEAP, HEAP + n]
  kernels.reserve(x + n)
  kernels.setKey(seed)
  let before = chosen[0]!.map((row) => {
    kernels.rows(DOMAIN_X, 0, row, 1, n, x)
    return kernels.memory().slice(x, x + n)
  })
  const roots: Bytes[] = []
  const rows: Bytes[] = []
  const paths: Bytes[] = []
  for (let step = 0; step < steps; step++) {
    const made = chosen[step + 1]!.map((j) => {
      const row = new Uint8Array(randomBytes(n))
      kernels.rows(DOMAIN_C, step, j, 1, n, c)
      before.forEach((other, m) => {
        kernels.memory().set(other, x)
        row[chosen[step]![m]!] = requantize(kernels.dot(c, x, n))
      })
      return row
    })
    const leaves = new Map(made.map((row, k) => [chosen[step + 1]![k]!, hashRow(row)] as const))
    const tree = sparseTree(leaves, Math.log2(n), step)
    roots.push(tree.root)
    rows.push(...made)
    paths.push(...chosen[step + 1]!.map((j) => tree.path(j)))
    before = made
  }
  const counts = [steps]
  const openings = { counts, roots: concat(roots), rows: concat(rows), paths: concat(paths) }
  const closing = tickChain(seed, counts, openings.roots).at(-1)!
  return { statement: { seed, openSeed, n, steps, ticks: 1, closing }, openings }
}

/** A residency proof of any size that verifies, of seeds of its own where none are given. */
export function syntheticPasses(
  kernels: Kernels,
  size: { readonly bytes: number; readonly passes: number },
  limits: PassLimits,
  seeds: Pick<PassStatement, 'fillSeed' | 'passSeed' | 'openSeed'> = {
    fillSeed: randomBytes(32),
    passSeed: randomBytes(32),
    openSeed: randomBytes(32),
  },
): { readonly statement: PassStatement; readonly openings: PassOpenings } {
  const { bytes, passes } = size
  const { fillSeed, passSeed, openSeed } = seeds
  const depth = passDepth(bytes)
  const opened = openedPages(kernels, openSeed, passes, bytes / PAGE_BYTES, limits)
  const byPass = Map.groupBy(opened, ({ pass }) => pass)
  const roots: Bytes[] = []
  const leaves: Bytes[] = []
  const paths: Bytes[] = []
  let key: Bytes = passSeed
  for (let pass = 0; pass < passes; pass++) {
    const data = new Map<number, Bytes>()
    for (const { page } of byPass.get(pass) ?? []) {
      const index = Math.floor(page / PAGES_PER_LEAF)
      const leaf = data.get(index) ?? new Uint8Array(randomBytes(LEAF_BYTES))
      const digest = digestOfPage(kernels, fillSeed, key, page, limits.iterations)
      leaf.set(digest, 8 * (page % PAGES_PER_LEAF))
      data.set(index, leaf)
    }
    const hashes = new Map([...data].map(([index, leaf]) => [index, hashLeaf(leaf)] as const))
    const tree = sparseTree(hashes, depth, pass)
    roots.push(tree.root)
    for (const { page } of byPass.get(pass) ?? []) {
      const index = Math.floor(page / PAGES_PER_LEAF)
      leaves.push(data.get(index)!)
      paths.push(tree.path(index))
    }
    key = nextPassKey(key, tree.root)
  }
  const counts = [passes]
  const openings = { counts, roots: concat(roots), leaves: concat(leaves), paths: concat(paths) }
  const closing = tickChain(passSeed, counts, openings.roots).at(-1)!
  const statement = { fillSeed, passSeed, openSeed, bytes, passes, ticks: 1, closing }
  return { statement, openings }
}

/** A locality proof of any size that verifies: only the opened segments were walked. */
export function syntheticHops(
  kernels: Kernels,
  size: { readonly bytes: number; readonly checkpoints: number },
  limits: HopLimits,
): { readonly statement: HopStatement; readonly openings: HopOpenings } {
  const { bytes, checkpoints } = size
  const [fillSeed, hopSeed, openSeed] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  const ends = openedSegments(kernels, openSeed, checkpoints)
  if (ends.some((end, i) => end === 0 || end - 1 === ends[i - 1])) {
    return syntheticHops(kernels, size, limits) // rarely: segments that share a state would need more care
  }
  const before = ends.map(() => new Uint8Array(randomBytes(STATE_BYTES)))
  kernels.setKey(fillSeed)
  const fill = { domain: DOMAIN_FILL, pages: bytes / PAGE_BYTES, iterations: limits.iterations }
  const after = kernels.hopsWithoutFill(before, hopKey(hopSeed), fill, limits.hops)
  const roots = new Uint8Array(randomBytes(32 * checkpoints))
  for (const [i, end] of ends.entries()) {
    roots.set(hashState(before[i]!), 32 * (end - 1))
    roots.set(hashState(after[i]!), 32 * end)
  }
  const counts = [checkpoints]
  const states = concat(ends.flatMap((_, i) => [before[i]!, after[i]!]))
  const closing = tickChain(hopSeed, counts, roots).at(-1)!
  const statement = { fillSeed, hopSeed, openSeed, bytes, checkpoints, ticks: 1, closing }
  return { statement, openings: { counts, roots, states } }
}

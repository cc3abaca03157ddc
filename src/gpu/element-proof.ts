/**
 * One element of a GEMM chain, shown with what was committed of it: row i of X_t and the part of row j of X_{t+1} that
 * holds column i. Anybody computes what the element must be, q(C_t[j] · X_t[i]), so a wrong one convicts whoever
 * committed it, and a right one whoever called it wrong (notes/gpu-protocol.md §11). The seed binds n, hotkey and
 * device: with any other of these the roots lead to another head than the signed one, and nothing is proven.
 */

import { concat, equalBytes } from '../bytes.ts'
import { CHUNK_BYTES, DOMAIN_C, DOMAIN_X, hashRow, requantize, rowLevels } from './gemm-chain.ts'
import {
  checkStatement,
  type GemmLimits,
  type GemmOpenings,
  type GemmStatement,
  openedRows,
  rowsPerStep,
} from './gemm-proof.ts'
import type { Bytes } from './hash.ts'
import { HEAP, type Kernels } from './kernels.ts'
import { hashLeaf, merklePath, rootFromPath } from './merkle.ts'
import { tickChain, validCounts } from './tick-chain.ts'

/** An element by the step that made it (from 1), its row and its column. */
export type ElementAt = readonly [step: number, row: number, column: number]

/** What shows an element; nothing of it is believed before the signed head binds it. */
export interface ElementProof {
  /** Steps claimed at each tick, and 32 B per step: what the head was made of. */
  readonly counts: readonly number[]
  readonly roots: Bytes
  /** The row of the matrix before that has the column's number, n B, with its path; both empty at step 1. */
  readonly previous: Bytes
  readonly previousPath: Bytes
  /** The at most 1024 B of the row that hold the element, with the path through the row's tree and the matrix's. */
  readonly chunk: Bytes
  readonly chunkPath: Bytes
}

/** What a proof shows of a committed value; `unproven`: it was never committed there, or the proof is malformed. */
export type Shown = 'right' | 'wrong' | 'unproven'

const isBytes = (value: unknown, length: number): value is Bytes =>
  value instanceof Uint8Array && value.length === length
const isIndex = (value: unknown, end: number): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < end

/** Bytes of a row that one leaf of its tree holds. */
const chunkBytes = (n: number): number => Math.min(n, CHUNK_BYTES)

/** Whether every part has the one length it can have. */
function wellShaped(
  s: GemmStatement,
  [step, row, column]: ElementAt,
  proof: ElementProof,
): boolean {
  if (!isIndex(step - 1, s.steps) || !isIndex(row, s.n) || !isIndex(column, s.n)) return false
  const depth = Math.log2(s.n)
  const rowDepth = Math.log2(s.n / chunkBytes(s.n))
  const isDerived = step === 1
  return (
    validCounts(proof.counts, s.ticks, s.steps) &&
    isBytes(proof.roots, 32 * s.steps) &&
    isBytes(proof.previous, isDerived ? 0 : s.n) &&
    isBytes(proof.previousPath, isDerived ? 0 : 32 * depth) &&
    isBytes(proof.chunk, chunkBytes(s.n)) &&
    isBytes(proof.chunkPath, 32 * (rowDepth + depth))
  )
}

/** What a proof shows of an element of the chain that a statement speaks of. Never throws on bytes. */
export function judgeElement(
  kernels: Kernels,
  s: GemmStatement,
  at: ElementAt,
  proof: ElementProof,
  limits: GemmLimits,
): Shown {
  if (checkStatement(s, limits) !== null || !wellShaped(s, at, proof)) return 'unproven'
  const { counts, roots, previous, previousPath, chunk, chunkPath } = proof
  if (!equalBytes(tickChain(s.seed, counts, roots).at(-1)!, s.closing)) return 'unproven'
  const [step, row, column] = at
  const rootOfStep = (number: number): Bytes => roots.subarray(32 * (number - 1), 32 * number)
  const size = chunkBytes(s.n)
  // The row's tree stands on top of each leaf of the matrix's: one tree of n·n/1024 leaves.
  const leaf = row * (s.n / size) + Math.floor(column / size)
  if (!equalBytes(rootFromPath(hashLeaf(chunk), leaf, chunkPath), rootOfStep(step))) {
    return 'unproven'
  }
  if (step > 1) {
    const root = rootFromPath(hashRow(previous), column, previousPath)
    if (!equalBytes(root, rootOfStep(step - 1))) return 'unproven'
  }
  const committed = (chunk[column % size]! << 24) >> 24
  return elementOf(kernels, s, at, previous) === committed ? 'right' : 'wrong'
}

/** What an element must be: one dot product over row `column` of the matrix before. */
function elementOf(
  kernels: Kernels,
  { seed, n }: GemmStatement,
  [step, row, column]: ElementAt,
  previous: Bytes,
): number {
  const [c, x] = [HEAP, HEAP + n]
  kernels.reserve(x + n)
  kernels.setKey(seed)
  kernels.rows(DOMAIN_C, step - 1, row, 1, n, c)
  if (step === 1) kernels.rows(DOMAIN_X, 0, column, 1, n, x)
  else kernels.memory().set(previous, x)
  return requantize(kernels.dot(c, x, n))
}

/** Whether whoever checked the openings of this statement looked at the element. */
export function isSampledElement(
  kernels: Kernels,
  s: GemmStatement,
  [step, row, column]: ElementAt,
  limits: GemmLimits,
): boolean {
  if (checkStatement(s, limits) !== null || !isIndex(step - 1, s.steps)) return false
  const r = rowsPerStep(s.steps, limits)
  const opened = (number: number) => openedRows(kernels, s.openSeed, number, r, s.n)
  return opened(step).includes(row) && opened(step - 1).includes(column)
}

/** Cuts the proof of an opened element out of well-shaped openings; throws RangeError when it was not opened. */
export function proveElement(
  kernels: Kernels,
  s: GemmStatement,
  [step, row, column]: ElementAt,
  openings: GemmOpenings,
  limits: GemmLimits,
): ElementProof {
  const r = rowsPerStep(s.steps, limits)
  const depthBytes = 32 * Math.log2(s.n)
  const opened = (number: number, index: number) => {
    const k = openedRows(kernels, s.openSeed, number, r, s.n).indexOf(index)
    if (k < 0) throw new RangeError(`row ${index} of step ${number} was not opened`)
    const place = (number - 1) * r + k
    return {
      row: openings.rows.slice(place * s.n, (place + 1) * s.n),
      path: openings.paths.slice(place * depthBytes, (place + 1) * depthBytes),
    }
  }
  const before =
    step === 1 ? { row: new Uint8Array(), path: new Uint8Array() } : opened(step - 1, column)
  const at = opened(step, row)
  const size = chunkBytes(s.n)
  const chunk = Math.floor(column / size)
  return {
    counts: openings.counts,
    roots: openings.roots,
    previous: before.row,
    previousPath: before.path,
    chunk: at.row.slice(chunk * size, (chunk + 1) * size),
    chunkPath: concat([...merklePath(rowLevels(at.row), chunk), at.path]),
  }
}

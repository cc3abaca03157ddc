/**
 * Checking a GEMM chain (prove-work.ts proves). After the work a public seed picks r rows of every X_t. Row j of X_{t+1} crosses
 * row i of X_t at one element, q(C_t[j] · X_t[i]): one dot product checks it, so a verifier does O(r² n) per step where
 * the prover did O(n³). Nothing that steers the check is read from the prover (gpu-protocol §6).
 */

import { equalBytes } from '../bytes.ts'
import { DOMAIN_C, DOMAIN_OPEN, DOMAIN_X, hashRow, requantize } from './gemm-chain.ts'
import type { Bytes } from './hash.ts'
import { HEAP, type Kernels } from './kernels.ts'
import { rootFromPath } from './merkle.ts'
import { tickChain, validCounts } from './tick-chain.ts'

/** Steps beyond this are not counted: it bounds openings and a leased card's memory. */
export const MAX_STEPS = 512

/** What a network allows a GEMM proof to be. */
export interface GemmLimits {
  readonly minN: number
  readonly maxN: number
  readonly maxTicks: number
  /** Rows opened in all; spread over every step, at least one each. */
  readonly rowSamples: number
}

/** What a verifier knows before it looks at any opened byte: from slot, announcement and the signed close. */
export interface GemmStatement {
  readonly seed: Bytes
  readonly openSeed: Bytes
  readonly n: number
  readonly steps: number
  readonly ticks: number
  /** Head of the tick chain that the close bound. */
  readonly closing: Bytes
}

/** What the prover opens. Flat buffers without indexes: their lengths are the only freedom and are checked first. */
export interface GemmOpenings {
  /** Steps claimed at each tick. */
  readonly counts: readonly number[]
  /** 32 B per step. */
  readonly roots: Bytes
  /** r rows of n bytes per step. */
  readonly rows: Bytes
  /** 32·log2(n) B per opened row. */
  readonly paths: Bytes
}

export type GemmFault = 'NO_WORK' | 'BAD_SHAPE' | 'BAD_COMMIT' | 'BAD_PATH' | 'BAD_VALUE'
/** Where the chain breaks: the step, the row of its matrix, and for a value its column. */
export type Element = readonly [step: number, row: number, column?: number]
export type GemmVerdict =
  | { readonly ok: true; readonly heads: readonly Bytes[]; readonly dots: number }
  | { readonly ok: false; readonly why: GemmFault; readonly at?: Element }

/** Rows opened at each step: sampling every step stops spliced chains from running in parallel. */
export const rowsPerStep = (steps: number, limits: GemmLimits): number =>
  Math.max(1, Math.ceil(limits.rowSamples / steps))

const isPowerOfTwo = (n: number): boolean => Number.isInteger(n) && n > 0 && (n & (n - 1)) === 0
const within = (value: number, max: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= max

/** Whether matrices may be n×n. r ≤ rowSamples ≤ n, so choosing r distinct rows always ends. */
export const provableN = (n: number, { minN, maxN, rowSamples }: GemmLimits): boolean =>
  isPowerOfTwo(n) && n >= minN && n <= maxN && n >= rowSamples

/** What is wrong with a statement, or null. */
export function checkStatement(s: GemmStatement, limits: GemmLimits): GemmFault | null {
  if (!provableN(s.n, limits)) return 'BAD_SHAPE'
  if ([s.seed, s.openSeed, s.closing].some((b) => b.length !== 32)) return 'BAD_SHAPE'
  if (!within(s.steps, MAX_STEPS) || !within(s.ticks, limits.maxTicks)) return 'BAD_SHAPE'
  return s.steps === 0 || s.ticks === 0 ? 'NO_WORK' : null
}

/** The exact size of every buffer of the openings, bytes: known before they are fetched. */
export function openingsBytes(n: number, steps: number, limits: GemmLimits) {
  const opened = steps * rowsPerStep(steps, limits)
  return { roots: 32 * steps, rows: opened * n, paths: opened * 32 * Math.log2(n) }
}

/** r distinct rows of X_t in ascending order, from the open seed; throws RangeError when there are not r rows. */
export function openedRows(
  kernels: Kernels,
  openSeed: Bytes,
  step: number,
  r: number,
  n: number,
): number[] {
  if (!isPowerOfTwo(n) || r < 1 || r > n) throw new RangeError(`cannot open ${r} rows of ${n}`)
  kernels.setKey(openSeed)
  const rows = new Set<number>()
  for (let block = 0; rows.size < r; block += 4) {
    for (const word of kernels.words(DOMAIN_OPEN, step, block)) {
      if (rows.size < r) rows.add(word & (n - 1))
    }
  }
  return [...rows].sort((a, b) => a - b)
}

const isBytes = (value: unknown, length: number): boolean =>
  value instanceof Uint8Array && value.length === length

function wellShaped(s: GemmStatement, openings: unknown, limits: GemmLimits): boolean {
  if (typeof openings !== 'object' || openings === null) return false
  const { roots, rows, paths, counts } = openings as Record<keyof GemmOpenings, unknown>
  const want = openingsBytes(s.n, s.steps, limits)
  const sized = isBytes(roots, want.roots) && isBytes(rows, want.rows) && isBytes(paths, want.paths)
  return sized && validCounts(counts, s.ticks, s.steps)
}

/**
 * Checks openings against what the verifier derived. Never throws on prover bytes. On success the heads of the tick
 * chain come back, so that the caller can look up the tick it counted.
 */
export function verifyGemm(
  kernels: Kernels,
  s: GemmStatement,
  openings: GemmOpenings,
  limits: GemmLimits,
): GemmVerdict {
  const bad = checkStatement(s, limits)
  if (bad !== null) return { ok: false, why: bad }
  if (!wellShaped(s, openings, limits)) return { ok: false, why: 'BAD_SHAPE' }
  const heads = tickChain(s.seed, openings.counts, openings.roots)
  if (!equalBytes(heads.at(-1)!, s.closing)) return { ok: false, why: 'BAD_COMMIT' }
  const r = rowsPerStep(s.steps, limits)
  const crossings = new Crossings(kernels, s, openings, r)
  for (let step = 0; step < s.steps; step++) {
    const fault = crossings.check(step)
    if (fault !== null) return { ok: false, ...fault }
  }
  return { ok: true, heads, dots: s.steps * r * r }
}

/** Walks the steps, keeping the opened rows of the previous matrix in the kernels' memory. */
class Crossings {
  readonly #kernels: Kernels
  readonly #s: GemmStatement
  readonly #openings: GemmOpenings
  readonly #r: number
  readonly #chosen: readonly (readonly number[])[]
  readonly #previous = HEAP
  readonly #current: number
  readonly #c: number

  constructor(kernels: Kernels, s: GemmStatement, openings: GemmOpenings, r: number) {
    this.#kernels = kernels
    this.#s = s
    this.#openings = openings
    this.#r = r
    this.#current = this.#previous + r * s.n
    this.#c = this.#current + r * s.n
    kernels.reserve(this.#c + s.n)
    this.#chosen = Array.from({ length: s.steps + 1 }, (_, t) =>
      openedRows(kernels, s.openSeed, t, r, s.n),
    )
    kernels.setKey(s.seed)
    this.#chosen[0]!.forEach((row, k) => {
      kernels.rows(DOMAIN_X, 0, row, 1, s.n, this.#previous + k * s.n)
    })
  }

  /** What is wrong at one step, or null; steps must come in order. */
  check(step: number): { why: GemmFault; at: Element } | null {
    const { n } = this.#s
    const size = this.#r * n
    const memory = this.#kernels.memory()
    memory.set(this.#openings.rows.subarray(step * size, (step + 1) * size), this.#current)
    for (let k = 0; k < this.#r; k++) {
      const fault = this.#checkPath(step, k) ?? this.#checkValues(step, k)
      if (fault !== null) return fault
    }
    memory.copyWithin(this.#previous, this.#current, this.#current + size)
    return null
  }

  #row(step: number, k: number): Bytes {
    const { n } = this.#s
    const at = (step * this.#r + k) * n
    return this.#openings.rows.subarray(at, at + n)
  }

  #checkPath(step: number, k: number): { why: GemmFault; at: Element } | null {
    const { paths, roots } = this.#openings
    const depthBytes = 32 * Math.log2(this.#s.n)
    const at = (step * this.#r + k) * depthBytes
    const index = this.#chosen[step + 1]![k]!
    const path = paths.subarray(at, at + depthBytes)
    const root = rootFromPath(hashRow(this.#row(step, k)), index, path)
    const committed = roots.subarray(32 * step, 32 * step + 32)
    return equalBytes(root, committed) ? null : { why: 'BAD_PATH', at: [step + 1, index] }
  }

  #checkValues(step: number, k: number): { why: GemmFault; at: Element } | null {
    const { n } = this.#s
    const j = this.#chosen[step + 1]![k]!
    const row = this.#row(step, k)
    this.#kernels.rows(DOMAIN_C, step, j, 1, n, this.#c)
    for (let m = 0; m < this.#r; m++) {
      const i = this.#chosen[step]![m]!
      const value = (row[i]! << 24) >> 24
      const sum = this.#kernels.dot(this.#c, this.#previous + m * n, n)
      if (requantize(sum) !== value) return { why: 'BAD_VALUE', at: [step + 1, j, i] }
    }
    return null
  }
}

import { expect, test } from 'vitest'
import { concat } from '../../src/bytes.ts'
import {
  type ElementAt,
  type ElementProof,
  isSampledElement,
  judgeElement,
  proveElement,
} from '../../src/gpu/element-proof.ts'
import { GemmChain } from '../../src/gpu/gemm-chain.ts'
import {
  type GemmLimits,
  type GemmStatement,
  openedRows,
  rowsPerStep,
  verifyGemm,
} from '../../src/gpu/gemm-proof.ts'
import { loadKernels } from '../../src/gpu/kernels.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'
import { committedElement } from '../support/committed-element.ts'
import { openMatrix } from '../support/open-matrix.ts'

const kernels = loadKernels()
const real = slotNetworks.finney.gemm
const small: GemmLimits = { minN: 256, maxN: 1024, maxTicks: 8, rowSamples: 256 }
const of = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const [seed, openSeed] = [of(1), of(2)]

/** An honest chain with its openings. */
function chain(n: number, steps: number, limits: GemmLimits) {
  const run = new GemmChain(kernels, seed, n)
  const r = rowsPerStep(steps, limits)
  const opened = Array.from({ length: steps }, (_, t) =>
    openMatrix(run.next().x, openedRows(kernels, openSeed, t + 1, r, n)),
  )
  const roots = concat(opened.map(({ root }) => root))
  const closing = tickChain(seed, [steps], roots).at(-1)!
  const s: GemmStatement = { seed, openSeed, n, steps, ticks: 1, closing }
  const rows = concat(opened.map((one) => one.rows))
  const paths = concat(opened.map((one) => one.paths))
  return { s, openings: { counts: [steps], roots, rows, paths } }
}

test.each([
  ['rows of one leaf', 256, 4, small],
  ['rows that are trees', 2048, 2, real],
])('every opened element of an honest chain is shown right: %s', (_, n, steps, limits) => {
  const { s, openings } = chain(n, steps, limits)
  const r = rowsPerStep(steps, limits)
  const rows = (step: number) => openedRows(kernels, openSeed, step, r, n)
  for (const step of [1, steps]) {
    for (const row of rows(step).slice(-2)) {
      for (const column of rows(step - 1).slice(-2)) {
        const at: ElementAt = [step, row, column]
        expect(isSampledElement(kernels, s, at, limits)).toBe(true)
        const proof = proveElement(kernels, s, at, openings, limits)
        expect(judgeElement(kernels, s, at, proof, limits)).toBe('right')
      }
    }
  }
})

test('what the verifier finds wrong is proven wrong, from the openings alone', () => {
  const { s, openings } = chain(256, 3, small)
  // A prover that commits to one false element: its root is made of it, so every path is right.
  const r = rowsPerStep(3, small)
  const row = openedRows(kernels, openSeed, 3, r, 256)[5]!
  const column = openedRows(kernels, openSeed, 2, r, 256)[7]!
  const { rows, paths, roots } = falsified(s, row, column)
  const closing = tickChain(seed, [3], roots).at(-1)!
  const bad = { ...s, closing }
  const verdict = verifyGemm(kernels, bad, { counts: [3], roots, rows, paths }, small)
  expect(verdict).toEqual({ ok: false, why: 'BAD_VALUE', at: [3, row, column] })
  const at: ElementAt = [3, row, column]
  const proof = proveElement(kernels, bad, at, { counts: [3], roots, rows, paths }, small)
  expect(judgeElement(kernels, bad, at, proof, small)).toBe('wrong')
  // Under the honest prover's head the same proof shows nothing.
  expect(judgeElement(kernels, s, at, proof, small)).toBe('unproven')
  expect(() => proveElement(kernels, s, [3, notOpened(s, 3), column], openings, small)).toThrow(
    RangeError,
  )
})

/** Openings of the chain of a statement, whose last matrix has one wrong element. */
function falsified(s: GemmStatement, row: number, column: number) {
  const { n, steps } = s
  const run = new GemmChain(kernels, seed, n)
  const matrices = Array.from({ length: steps }, () => run.next().x.slice())
  matrices[steps - 1]![row * n + column]! ^= 1
  const r = rowsPerStep(steps, small)
  const opened = matrices.map((x, t) => openMatrix(x, openedRows(kernels, openSeed, t + 1, r, n)))
  return {
    roots: concat(opened.map(({ root }) => root)),
    rows: concat(opened.map(({ rows }) => rows)),
    paths: concat(opened.map(({ paths }) => paths)),
  }
}

const notOpened = (s: GemmStatement, step: number): number => {
  const opened = openedRows(kernels, openSeed, step, rowsPerStep(s.steps, small), s.n)
  return Array.from({ length: s.n }, (_, i) => i).find((i) => !opened.includes(i))!
}

const shapes: readonly (readonly [string, number, ElementAt, readonly number[], GemmLimits])[] = [
  ['the first step', 256, [1, 3, 200], [2, 5], small],
  ['a small matrix', 256, [5, 255, 0], [2, 5], small],
  ['one chunk', 1024, [3, 17, 1023], [1, 3], small],
  ['the largest matrix, longest chain', 32_768, [512, 32_767, 32_767], [100, 512], real],
  ['the largest matrix, first step', 32_768, [1, 0, 20_000], [512], real],
]

test.each(shapes)('a committed element is shown for what it is: %s', (_, n, at, counts, limits) => {
  const fields = { seed, openSeed, n }
  for (const [wrongBy, shown] of [
    [0, 'right'],
    [1, 'wrong'],
    [-1, 'wrong'],
    [128, 'wrong'],
  ] as const) {
    const { s, proof } = committedElement(fields, at, { counts, wrongBy })
    expect(judgeElement(kernels, s, at, proof, limits)).toBe(shown)
  }
})

test('the largest proof leaves room in 64 KiB', () => {
  const at: ElementAt = [512, 5, 6]
  const { proof } = committedElement({ seed, openSeed, n: 32_768 }, at, { counts: [512] })
  const { counts: _, ...buffers } = proof
  const bytes = Object.values(buffers).reduce((sum, { length }) => sum + length, 0)
  expect(bytes).toBeLessThan(52 * 1024)
})

test('whatever is changed in a proof of fraud or in its statement, nothing is proven', () => {
  const at: ElementAt = [4, 9, 1500]
  const made = committedElement({ seed, openSeed, n: 2048 }, at, { counts: [2, 4], wrongBy: 1 })
  const { s, proof } = made
  const judge = (
    proofChange: Partial<Record<keyof ElementProof, unknown>>,
    place: ElementAt = at,
    statement: Partial<GemmStatement> = {},
  ) =>
    judgeElement(
      kernels,
      { ...s, ...statement },
      place,
      { ...proof, ...proofChange } as never,
      real,
    )
  expect(judge({})).toBe('wrong')
  const flipped = (bytes: Uint8Array, index = bytes.length - 1): Uint8Array => {
    const copy = Uint8Array.from(bytes)
    copy[index]! ^= 1
    return copy
  }
  for (const key of ['roots', 'previous', 'previousPath', 'chunk', 'chunkPath'] as const) {
    for (const other of [
      flipped(proof[key]),
      flipped(proof[key], 0),
      proof[key].subarray(1),
      concat([proof[key], of(0)]),
      new Uint8Array(),
      undefined,
      null,
      7,
      'text',
      [1, 2],
    ]) {
      expect(judge({ [key]: other })).toBe('unproven')
    }
  }
  for (const counts of [[1, 4], [4], [2, 3, 4], [2, 5], [], [2, 4.5], undefined, new Array(2)]) {
    expect(judge({ counts })).toBe('unproven')
  }
  for (const place of [
    [3, 9, 1500],
    [4, 8, 1500],
    [4, 9, 400],
    [0, 9, 1500],
    [5, 9, 1500],
    [4, 2048, 0],
    [4, -1, 0],
    [4, 9, 2048],
    [4, 9.5, 1],
    [Number.NaN, 0, 0],
  ]) {
    expect(judge({}, place as unknown as ElementAt)).toBe('unproven')
  }
  for (const change of [
    { seed: of(3) },
    { n: 4096 },
    { n: 1024 },
    { n: 3000 },
    { steps: 3 },
    { steps: 600 },
    { ticks: 1 },
    { closing: of(4) },
    { closing: new Uint8Array(31) },
  ]) {
    expect(judge({}, at, change)).toBe('unproven')
  }
})

test('an element beside the sample convicts no one who checked the sample', () => {
  const s: GemmStatement = { seed, openSeed, n: 256, steps: 8, ticks: 1, closing: of(0) }
  const r = rowsPerStep(8, small)
  const [row, column] = [4, 3].map((step) => openedRows(kernels, openSeed, step, r, 256)[0]!)
  const is = (at: ElementAt, change: Partial<GemmStatement> = {}) =>
    isSampledElement(kernels, { ...s, ...change }, at, small)
  expect(is([4, row!, column!])).toBe(true)
  expect(is([4, notOpened(s, 4), column!])).toBe(false)
  expect(is([4, row!, notOpened(s, 3)])).toBe(false)
  expect(is([9, row!, column!])).toBe(false)
  expect(is([4, row!, column!], { openSeed: of(9) })).toBe(false)
  expect(is([4, row!, column!], { n: 100 })).toBe(false)
})

import { expect, test } from 'vitest'
import { concat, sha256 } from '../../src/bytes.ts'
import { createCpuBackend } from '../../src/gpu/cpu-backend.ts'
import { GemmChain } from '../../src/gpu/gemm-chain.ts'
import {
  type GemmLimits,
  type GemmOpenings,
  type GemmStatement,
  MAX_STEPS,
  openedRows,
  openingsBytes,
  rowsPerStep,
  verifyGemm,
} from '../../src/gpu/gemm-proof.ts'
import { loadKernels } from '../../src/gpu/kernels.ts'
import { hashLeaf, hashNode } from '../../src/gpu/merkle.ts'
import { openRows } from '../../src/gpu/prove-work.ts'
import { FILL_UNIT_BYTES } from '../../src/gpu/resident-fill.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'
import { openMatrix } from '../support/open-matrix.ts'

const kernels = loadKernels()
const limits: GemmLimits = { minN: 256, maxN: 1024, maxTicks: 8, rowSamples: 256 }
const n = 256
const fill = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const [zero, seed, openSeed] = [fill(0), fill(1), fill(2)]
const nothing = new Uint8Array(0)
const backend = createCpuBackend({ threads: 1 })
await backend.prepare({ n, bytes: FILL_UNIT_BYTES })

function statement(roots: Uint8Array, counts: readonly number[], open = openSeed): GemmStatement {
  const closing = tickChain(seed, counts, roots).at(-1)!
  return { seed, openSeed: open, n, steps: counts.at(-1)!, ticks: counts.length, closing }
}

const prove = (statement: GemmStatement, counts: readonly number[]) =>
  openRows(backend, kernels, { statement, counts, limits })

async function honest(counts: readonly number[]) {
  const chain = new GemmChain(kernels, seed, n)
  const roots = concat(Array.from({ length: counts.at(-1)! }, () => chain.next().root))
  const s = statement(roots, counts)
  return { s, openings: await prove(s, counts) }
}

const verify = (s: GemmStatement, openings: unknown) =>
  verifyGemm(kernels, s, openings as GemmOpenings, limits)
const flip = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = Uint8Array.from(bytes)
  copy[at]! ^= 1
  return copy
}

test('an honest chain passes, and its tick chain comes back', async () => {
  const { s, openings } = await honest([1, 1, 4])
  const verdict = verify(s, openings)
  expect(verdict).toMatchObject({ ok: true, dots: 4 * 64 * 64 })
  expect(verdict.ok && verdict.heads).toHaveLength(4)
  const { roots, rows, paths } = openings
  expect({ roots: roots.length, rows: rows.length, paths: paths.length }).toEqual(
    openingsBytes(n, 4, limits),
  )
})

test('hole: no steps or no ticks is NO_WORK, and the number of opened rows is never the prover’s', async () => {
  const none = { seed, openSeed, n, steps: 0, ticks: 0, closing: zero }
  const empty = { counts: [], roots: nothing, rows: nothing, paths: nothing }
  expect(verify(none, empty)).toEqual({ ok: false, why: 'NO_WORK' })
  for (const steps of [1, 2, 255, 256, 257, MAX_STEPS]) {
    expect(rowsPerStep(steps, limits)).toBeGreaterThanOrEqual(1)
    expect(rowsPerStep(steps, limits) * steps).toBeGreaterThanOrEqual(256)
  }
  const { s, openings } = await honest([2])
  expect(verify(s, { ...openings, r: 0 })).toMatchObject({ ok: true })
})

test('hole: a broken chain passes under an open seed its prover picks, so one in the openings is ignored', async () => {
  const steps = 256
  const chain = new GemmChain(kernels, seed, n)
  const early = Array.from({ length: steps - 1 }, () => chain.next().root)
  const forged = chain
    .next()
    .x.slice()
    .fill(7, 0, 64 * n) // a quarter of the last matrix was never computed
  const lastRow = (open: Uint8Array): number => openedRows(kernels, open, steps, 1, n)[0]!
  const seeds = Array.from({ length: 40 }, (_, i) => fill(i))
  const lucky = seeds.find((open) => lastRow(open) >= 64)!
  const drawn = seeds.find((open) => lastRow(open) < 64)!
  const last = openMatrix(forged, [lastRow(lucky)])
  const roots = concat([...early, last.root])
  const honestPart = await prove(statement(roots, [steps], lucky), [steps])
  const openings = {
    ...honestPart,
    roots,
    paths: concat([honestPart.paths.subarray(0, -last.paths.length), last.paths]),
  }
  expect(verify(statement(roots, [steps], lucky), openings)).toMatchObject({ ok: true })
  const told = { ...openings, openSeed: lucky, seed, n, steps, r: 1 }
  expect(verify(statement(roots, [steps], drawn), told)).toMatchObject({ ok: false })
})

test('hole: opening more rows than there are is an error, not a hang', () => {
  for (const r of [0, -1, n + 1]) {
    expect(() => openedRows(kernels, openSeed, 1, r, n)).toThrow(RangeError)
  }
  expect(() => openedRows(kernels, openSeed, 1, 4, 300)).toThrow(RangeError)
  expect(openedRows(kernels, openSeed, 1, n, n)).toHaveLength(n)
})

test('hole: short, long and missing buffers are BAD_SHAPE, never an exception', async () => {
  const { s, openings } = await honest([2, 3])
  const badShape = { ok: false, why: 'BAD_SHAPE' }
  for (const key of ['roots', 'rows', 'paths'] as const) {
    const good = openings[key]
    for (const bad of [good.subarray(1), nothing, concat([good, zero]), undefined, null, 'x', {}]) {
      expect(verify(s, { ...openings, [key]: bad })).toEqual(badShape)
    }
  }
  for (const counts of [
    [],
    [3],
    [2, 2],
    [3, 2],
    [1.5, 3],
    null,
    Object.assign(new Array(2), { 1: 3 }),
  ]) {
    expect(verify(s, { ...openings, counts })).toEqual(badShape)
  }
  for (const junk of [null, undefined, {}, [], 'x']) expect(verify(s, junk)).toEqual(badShape)
})

test.each([
  { n: 300 },
  { n: 128 },
  { n: 2048 },
  { n: 0 },
  { n: Number.NaN },
  { steps: MAX_STEPS + 1 },
  { steps: -1 },
  { steps: 1.5 },
  { ticks: 9 },
  { seed: zero.subarray(1) },
])('hole: a statement outside the limits is BAD_SHAPE: %o', async (over) => {
  const { s, openings } = await honest([2, 3])
  expect(verify({ ...s, ...over }, openings)).toEqual({ ok: false, why: 'BAD_SHAPE' })
})

test('hole: a node cannot be opened as a leaf, nor a one-leaf tree stand for a matrix', async () => {
  const [a, b] = [hashLeaf(zero), hashLeaf(seed)]
  expect(hashNode(a, b)).not.toEqual(hashLeaf(concat([a, b])))
  expect(hashNode(a, b)).not.toEqual(sha256(concat([a, b])))
  const { s, openings } = await honest([1])
  const shallow = { ...openings, paths: nothing }
  expect(verify(s, shallow)).toEqual({ ok: false, why: 'BAD_SHAPE' })
})

test('every flipped bit is caught, with the right reason', async () => {
  const { s, openings } = await honest([1, 3])
  for (let i = 0; i < openings.rows.length; i += 9973) {
    expect(verify(s, { ...openings, rows: flip(openings.rows, i) })).toMatchObject({
      why: 'BAD_PATH',
    })
  }
  for (let i = 0; i < openings.paths.length; i += 1009) {
    const paths = flip(openings.paths, i)
    expect(verify(s, { ...openings, paths })).toMatchObject({ why: 'BAD_PATH' })
  }
  for (let i = 0; i < openings.roots.length; i++) {
    const roots = flip(openings.roots, i)
    expect(verify(s, { ...openings, roots })).toMatchObject({ why: 'BAD_COMMIT' })
  }
})

test('a moved tick boundary is BAD_COMMIT; openings of another seed or draw fail', async () => {
  const { s, openings } = await honest([1, 3])
  expect(verify(s, { ...openings, counts: [2, 3] })).toMatchObject({ why: 'BAD_COMMIT' })
  expect(verify({ ...s, openSeed: seed }, openings)).toMatchObject({ ok: false })
  expect(verify({ ...s, seed: openSeed }, openings)).toMatchObject({ why: 'BAD_COMMIT' })
})

test('a committed but wrong value is BAD_VALUE and names its element', () => {
  const x = new GemmChain(kernels, seed, n).next().x.slice()
  for (let i = 0; i < x.length; i += 16) x[i]! ^= 1
  const rows = openedRows(kernels, openSeed, 1, n, n)
  const { root, ...opened } = openMatrix(x, rows)
  const openings = { counts: [1], roots: root, ...opened }
  expect(verify(statement(root, [1]), openings)).toEqual({
    ok: false,
    why: 'BAD_VALUE',
    at: [1, 0, 0],
  })
})

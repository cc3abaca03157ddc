import { expect, test } from 'vitest'
import { concat, sha256 } from '../../src/bytes.ts'
import { GemmChain } from '../../src/gpu/gemm-chain.ts'
import {
  type GemmStatement,
  openedRows,
  rowsPerStep,
  verifyGemm,
} from '../../src/gpu/gemm-proof.ts'
import { u32 } from '../../src/gpu/hash.ts'
import { loadKernels, PAGE_BYTES } from '../../src/gpu/kernels.ts'
import { openPages, openRows, runWork } from '../../src/gpu/prove-work.ts'
import {
  openedPages,
  type PassStatement,
  pageSamples,
  verifyPasses,
} from '../../src/gpu/residency-proof.ts'
import { FILL_UNIT_BYTES } from '../../src/gpu/resident-fill.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'
import { GiB } from '../../src/units.ts'
import { createTamperedBackend, type Tampering } from '../support/tampered-backend.ts'

/**
 * How often a cheat passes. The open seed is a hash of a later pulse that knows nothing of what was committed, so that
 * whether a proof with bad parts passes is whether the drawn positions miss them (up to one in 256 per crossing, where
 * a bad value is right by chance). Positions are drawn here as the verifier draws them, for many open seeds; the first
 * two tests show on whole proofs that missing them is what VALID means.
 */
const kernels = loadKernels()
const { gemm, residency } = slotNetworks.finney
const local = slotNetworks.local
const seedOf = (what: string, i: number): Uint8Array => sha256(concat([Buffer.from(what), u32(i)]))

/** Holds `hits` of `trials` against a probability, within four standard deviations. */
function expectOdds(hits: number, trials: number, odds: number, what: string): void {
  const told = `${what}: ${hits} of ${trials} passed, ${odds * trials} expected`
  const sigma = Math.sqrt(trials * odds * (1 - odds))
  expect(Math.abs(hits - trials * odds), told).toBeLessThanOrEqual(4 * sigma + 1e-3)
}

/** How many of `trials` draws of positions have no bad one among them. */
function passing(trials: number, drawsBad: (openSeed: Uint8Array) => boolean): number {
  let passed = 0
  for (let i = 0; i < trials; i++) if (!drawsBad(seedOf('open', i))) passed++
  return passed
}

/** A chain of 16 steps by a backend that may lie, and the verdict on it for an open seed. */
async function chainOf(tampering: Tampering) {
  const [n, steps] = [256, 16]
  const backend = createTamperedBackend(tampering)
  await backend.prepare({ n, bytes: FILL_UNIT_BYTES })
  const seed = seedOf('gemm', 1)
  const roots: Uint8Array[] = []
  const goesOn = (): boolean => roots.length < steps
  await runWork(backend, { work: 'gemm', seed }, goesOn, (root) => roots.push(root))
  const closing = tickChain(seed, [steps], concat(roots)).at(-1)!
  return async (openSeed: Uint8Array) => {
    const statement: GemmStatement = { seed, openSeed, n, steps, ticks: 1, closing }
    const job = { statement, counts: [steps], limits: local.gemm }
    return verifyGemm(kernels, statement, await openRows(backend, kernels, job), local.gemm)
  }
}

test('a chain with a row skipped at every step is VALID exactly where that row is not drawn', async () => {
  const skipped = 77
  const verdictOn = await chainOf({
    matrix: (x, n) => x.fill(99, skipped * n, (skipped + 1) * n),
  })
  const verdicts: boolean[] = []
  for (let i = 0; i < 24; i++) {
    const openSeed = seedOf('rows', i)
    const drawn = Array.from({ length: 16 }, (_, t) =>
      openedRows(kernels, openSeed, t + 1, 16, 256),
    )
    const verdict = await verdictOn(openSeed)
    const misses = drawn.every((rows) => !rows.includes(skipped))
    expect(verdict.ok ? 'VALID' : verdict.why).toBe(misses ? 'VALID' : 'BAD_VALUE')
    verdicts.push(verdict.ok)
  }
  expect(new Set(verdicts)).toEqual(new Set([true, false]))
})

test('passes without a page are VALID exactly where that page is not drawn', async () => {
  const missing = 5
  const [bytes, passes] = [FILL_UNIT_BYTES, 8]
  const backend = createTamperedBackend({
    fill: (memory) => memory.fill(0, missing * PAGE_BYTES, (missing + 1) * PAGE_BYTES),
  })
  const [fillSeed, passSeed] = [seedOf('fill', 0), seedOf('pass', 0)]
  await backend.prepare({ n: 256, bytes })
  await backend.fill(fillSeed, local.residency.iterations)
  const roots: Uint8Array[] = []
  const goesOn = (): boolean => roots.length < passes
  const job = { work: 'residency', seed: passSeed } as const
  await runWork(backend, job, goesOn, (root) => roots.push(root))
  const all = concat(roots)
  const closing = tickChain(passSeed, [passes], all).at(-1)!
  const seen = new Set<boolean>()
  for (let i = 0; i < 24; i++) {
    const openSeed = seedOf('pages', i)
    const statement: PassStatement = {
      fillSeed,
      passSeed,
      openSeed,
      bytes,
      passes,
      ticks: 1,
      closing,
    }
    const limits = local.residency
    const opened = await openPages(backend, kernels, {
      statement,
      counts: [passes],
      roots: all,
      limits,
    })
    const drawn = openedPages(kernels, openSeed, passes, bytes / PAGE_BYTES, limits)
    const misses = drawn.every(({ page }) => page !== missing)
    const verdict = verifyPasses(kernels, statement, opened, limits)
    expect(verdict.ok ? 'VALID' : verdict.why).toBe(misses ? 'VALID' : 'BAD_VALUE')
    seen.add(verdict.ok)
  }
  expect(seen).toEqual(new Set([true, false]))
})

/** An H100's slot. */
const [N, STEPS] = [16_384, 64]
const R = rowsPerStep(STEPS, gemm)
const K = R * STEPS

test.each([0.01, 0.02, 0.05, 0.1])(
  'who skips a share ε = %d of the rows passes with (1−ε)^256',
  (share) => {
    expect(K).toBe(256)
    const trials = 3000
    const bad = Math.round(share * N)
    const passed = passing(trials, (openSeed) => {
      for (let step = 1; step <= STEPS; step++) {
        // Which rows they are is the cheat's choice, and the same to the draw: any `bad` of them.
        if (openedRows(kernels, openSeed, step, R, N)[0]! < bad) return true
      }
      return false
    })
    expectOdds(passed, trials, (1 - share) ** K, `ε = ${share}`)
  },
)

test.each([0.01, 0.02, 0.05, 0.1])(
  'who lacks a share x = %d of the pages passes with (1−x)^256',
  (share) => {
    const pages = (72 * GiB) / PAGE_BYTES
    const trials = 3000
    const passed = passing(trials, (openSeed) =>
      openedPages(kernels, openSeed, 240, pages, residency).some(
        ({ page }) => page < share * pages,
      ),
    )
    expectOdds(passed, trials, (1 - share) ** 256, `x = ${share}`)
  },
)

test.each([0.0005, 0.001, 0.002, 0.01])(
  'who skips scattered elements, a share ε = %d, passes with (1−ε)^(T·r²)',
  (share) => {
    const trials = 1500
    // A scattered element is bad or not by a hash of its place alone.
    const isBad = (step: number, row: number, column: number): boolean => {
      let mixed = Math.imul(row ^ Math.imul(step, 0x9e3779b1), 0x85ebca6b) ^ column
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
      mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39)
      return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32 < share
    }
    const passed = passing(trials, (openSeed) => {
      let before = openedRows(kernels, openSeed, 0, R, N)
      for (let step = 1; step <= STEPS; step++) {
        const rows = openedRows(kernels, openSeed, step, R, N)
        if (rows.some((row) => before.some((column) => isBad(step, row, column)))) return true
        before = rows
      }
      return false
    })
    expectOdds(passed, trials, (1 - share) ** (STEPS * R * R), `ε = ${share}`)
  },
)

test('whole passes left out are met by the 64 opened passes alone: (1−f)^64, which costs more than it saves', () => {
  const [passes, left, trials] = [240, 3, 3000]
  expect(pageSamples(passes, residency)).toEqual({ passes: 64, each: 4 })
  const passed = passing(trials, (openSeed) =>
    openedPages(kernels, openSeed, passes, 2 ** 20, residency).some(({ pass }) => pass < left),
  )
  // Passes are drawn without repetition.
  const odds = Array.from({ length: left }, (_, i) => 1 - 64 / (passes - i)).reduce((a, b) => a * b)
  expectOdds(passed, trials, odds, 'passes')
  const paid = (f: number): number => (1 - f) ** 64 / (1 - f)
  for (let f = 0; f < 1; f += 0.001) expect(paid(f)).toBeLessThanOrEqual(1)
})

test('structured data is right at a crossing one time in 256: zeros, and one row for all', async () => {
  const n = 256
  const x = new GemmChain(loadKernels(), seedOf('gemm', 2), n).next().x.slice()
  let [zeros, same] = [0, 0]
  for (let j = 1; j < n; j++) {
    for (let i = 0; i < n; i++) {
      if (x[j * n + i] === 0) zeros++
      if (x[j * n + i] === x[i]) same++
    }
  }
  expectOdds(zeros, (n - 1) * n, 1 / 256, 'zeros')
  expectOdds(same, (n - 1) * n, 1 / 256, 'duplicates')
  // r² crossings of one step are checked, so that a replaced step passes with 256^(−r²): at r = 4 never.
  for (const matrix of [
    (m: Uint8Array) => m.fill(0),
    (m: Uint8Array, size: number) => {
      for (let j = 1; j < size; j++) m.copyWithin(j * size, 0, size)
    },
  ]) {
    const verdictOn = await chainOf({ matrix: (m, size, step) => step === 9 && matrix(m, size) })
    for (let i = 0; i < 8; i++) {
      expect(await verdictOn(seedOf('structured', i))).toMatchObject({
        ok: false,
        why: 'BAD_VALUE',
        at: [9, expect.any(Number), expect.any(Number)],
      })
    }
  }
})

// A Final may close up to twice the steps that were counted, made between the window's end and r + 4. Rows are spread
// over all of them, so that the counted ones keep half at least.
test.each([1, 16, 64, 128, 256])(
  'of %i counted steps at least 128 rows are opened, however many a Final adds',
  (counted) => {
    const closed = Math.min(512, 2 * counted)
    expect(rowsPerStep(closed, gemm) * counted).toBeGreaterThanOrEqual(128)
  },
)

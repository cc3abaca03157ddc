import { afterAll, expect, test } from 'vitest'
import { concat } from '../../src/bytes.ts'
import { GemmChain } from '../../src/gpu/gemm-chain.ts'
import { type GemmLimits, verifyGemm } from '../../src/gpu/gemm-proof.ts'
import { loadKernels } from '../../src/gpu/kernels.ts'
import { createProver } from '../../src/gpu/prover-process.ts'
import { verifyPasses } from '../../src/gpu/residency-proof.ts'
import { FILL_UNIT_BYTES } from '../../src/gpu/resident-fill.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'
import { silent } from '../../src/log.ts'

const prover = createProver({ backend: 'cpu', threads: 2 }, silent)
afterAll(() => prover[Symbol.asyncDispose]())
const limits: GemmLimits = { minN: 256, maxN: 1024, maxTicks: 8, rowSamples: 64 }
const seed = new Uint8Array(32).fill(1)
const openSeed = new Uint8Array(32).fill(2)
const n = 256

/** Lets it work until it has handed over `count` roots. */
async function work(count: number): Promise<Uint8Array[]> {
  const roots: Uint8Array[] = []
  await prover.run({ work: 'gemm', seed }, (root) => {
    roots.push(root)
    if (roots.length >= count) prover.stop()
  })
  return roots
}

test('it works until stopped, in order, without blocking this process', async () => {
  await prover.prepare({ n, bytes: FILL_UNIT_BYTES })
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  const roots = await work(20)
  clearInterval(timer)
  expect(turns).toBeGreaterThan(0)
  const chain = new GemmChain(loadKernels(), seed, n)
  expect(roots.map((root) => Buffer.from(root))).toEqual(
    roots.map(() => Buffer.from(chain.next().root)),
  )
})

test('after stop no root is handed over, and openings verify', async () => {
  expect(await work(3)).toHaveLength(3)
  const roots = await work(4)
  const counts = [1, roots.length]
  const closing = tickChain(seed, counts, concat(roots)).at(-1)!
  const statement = { seed, openSeed, n, steps: roots.length, ticks: 2, closing }
  const openings = await prover.openRows({ statement, counts, limits }, 60_000)
  expect(verifyGemm(loadKernels(), statement, openings, limits)).toMatchObject({ ok: true })
})

test('a job it cannot do is an error with a reason code, and it goes on', async () => {
  const statement = { seed, openSeed, n: 300, steps: 1, ticks: 1, closing: seed }
  const broken = prover.openRows({ statement, counts: [1], limits }, 60_000)
  await expect(broken).rejects.toMatchObject({ code: 'GPU_PROVER_FAILED' })
  expect(await work(1)).toHaveLength(1)
})

test('it fills, passes over the fill, and opens pages that verify', async () => {
  const bytes = 3 * FILL_UNIT_BYTES
  const passLimits = {
    maxBytes: bytes,
    maxPasses: 100,
    maxTicks: 8,
    passSamples: 4,
    pageSamples: 4,
    iterations: 8,
  }
  await prover.prepare({ n, bytes })
  await prover.fill({ seed: openSeed, iterations: passLimits.iterations }, 60_000)
  const handed: Uint8Array[] = []
  await prover.run({ work: 'residency', seed }, (root) => {
    handed.push(root)
    if (handed.length >= 6) prover.stop()
  })
  const roots = concat(handed)
  const counts = [1, handed.length]
  const closing = tickChain(seed, counts, roots).at(-1)!
  const statement = {
    fillSeed: openSeed,
    passSeed: seed,
    openSeed: closing,
    bytes,
    passes: handed.length,
    ticks: 2,
    closing,
  }
  const job = { statement, counts, roots, limits: passLimits }
  const openings = await prover.openPages(job, 60_000)
  expect(verifyPasses(loadKernels(), statement, openings, passLimits)).toMatchObject({ ok: true })
})

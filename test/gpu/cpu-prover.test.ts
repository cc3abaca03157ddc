import { afterAll, expect, test } from 'vitest'
import { createCpuProver } from '../../src/gpu/cpu-prover.ts'
import { GemmChain } from '../../src/gpu/gemm-chain.ts'
import { type GemmLimits, verifyGemm } from '../../src/gpu/gemm-proof.ts'
import { concat } from '../../src/gpu/hash.ts'
import { loadKernels } from '../../src/gpu/kernels.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'
import { silent } from '../../src/log.ts'

const prover = createCpuProver(silent)
afterAll(() => prover[Symbol.asyncDispose]())
const limits: GemmLimits = { minN: 256, maxN: 1024, maxTicks: 8, rowSamples: 64 }
const seed = new Uint8Array(32).fill(1)
const openSeed = new Uint8Array(32).fill(2)
const n = 256

/** Lets it work until it has handed over `count` roots. */
async function work(count: number): Promise<Uint8Array[]> {
  const roots: Uint8Array[] = []
  await prover.run({ seed, n }, (root) => {
    roots.push(root)
    if (roots.length >= count) prover.stop()
  })
  return roots
}

test('it works until stopped, in order, without blocking this thread', async () => {
  await prover.prepare(n)
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

test('roots of a stopped job never reach the next one, and openings verify', async () => {
  await work(3)
  const roots = await work(4)
  const counts = [1, roots.length]
  const closing = tickChain(seed, counts, concat(roots)).at(-1)!
  const statement = { seed, openSeed, n, steps: roots.length, ticks: 2, closing }
  const openings = await prover.open({ statement, counts, limits }, 60_000)
  expect(verifyGemm(loadKernels(), statement, openings, limits)).toMatchObject({ ok: true })
})

test('a job it cannot do is an error with a reason code, and it goes on', async () => {
  const statement = { seed, openSeed, n: 300, steps: 1, ticks: 1, closing: seed }
  const broken = prover.open({ statement, counts: [1], limits }, 60_000)
  await expect(broken).rejects.toMatchObject({ code: 'GPU_PROVER_FAILED' })
  expect(await work(1)).not.toHaveLength(0)
})

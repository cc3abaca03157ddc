import { concat } from '../src/bytes.ts'
import { createCpuBackend } from '../src/gpu/cpu-backend.ts'
import { type GemmLimits, rowsPerStep, verifyGemm } from '../src/gpu/gemm-proof.ts'
import { loadKernels } from '../src/gpu/kernels.ts'
import { openRows, runWork } from '../src/gpu/prove-work.ts'
import { FILL_UNIT_BYTES } from '../src/gpu/resident-fill.ts'
import { tickChain } from '../src/gpu/tick-chain.ts'
import { type Bench, median } from './support/bench.ts'

const N = 1024
const STEPS = 8
/** Four rows opened at each step. */
const LIMITS: GemmLimits = { minN: 256, maxN: N, maxTicks: 8, rowSamples: 4 * STEPS }
const PROOFS = 3
const CHECKS = 15

const fill = (value: number): Uint8Array => new Uint8Array(32).fill(value)

/** What `work` returns and how long it took, ms. */
async function timed<T>(work: () => T | Promise<T>): Promise<{ value: T; ms: number }> {
  const startMs = performance.now()
  const value = await work()
  return { value, ms: performance.now() - startMs }
}

export const bench: Bench = {
  name: 'verify',
  measures: `one thread of the CPU: checking a GEMM proof (n=${N}, T=${STEPS}, r=4) against making it`,
  targets: { verifyToProve: { atMost: 1 / 50 } },
  async run(progress) {
    const kernels = loadKernels()
    await using backend = createCpuBackend({ threads: 1 })
    await backend.prepare({ n: N, bytes: FILL_UNIT_BYTES })
    const [proves, opens, checks]: number[][] = [[], [], []]
    let bytes = 0
    for (let round = 1; round <= PROOFS; round++) {
      const seed = fill(round)
      const chain = await timed(async () => {
        const roots: Uint8Array[] = []
        const goesOn = (): boolean => roots.length < STEPS
        await runWork(backend, { work: 'gemm', seed }, goesOn, (root) => roots.push(root))
        return concat(roots)
      })
      const counts = [STEPS]
      const closing = tickChain(seed, counts, chain.value).at(-1)!
      const statement = { seed, openSeed: fill(99), n: N, steps: STEPS, ticks: 1, closing }
      const job = { statement, counts, limits: LIMITS }
      const opened = await timed(() => openRows(backend, kernels, job))
      const { roots, rows, paths } = opened.value
      bytes = roots.length + rows.length + paths.length
      for (let i = 0; i < CHECKS; i++) {
        const check = await timed(() => verifyGemm(kernels, statement, opened.value, LIMITS))
        if (!check.value.ok) throw new Error(`an honest proof failed: ${check.value.why}`)
        checks!.push(check.ms)
      }
      proves!.push(chain.ms)
      opens!.push(opened.ms)
      progress(`proof ${round} of ${PROOFS}: ${Math.round(chain.ms)} ms`)
    }
    const [proveMs, verifyMs] = [median(proves!), median(checks!)]
    return {
      figures: {
        verifyToProve: verifyMs / proveMs,
        verifyMs,
        proveMs,
        reRunMs: median(opens!),
        openedBytes: bytes,
        rowsPerStep: rowsPerStep(STEPS, LIMITS),
      },
      yardstick: { gops: (2 * N ** 3 * STEPS) / proveMs / 1e6 },
    }
  },
}

import { GemmChain } from '../src/gpu/gemm-chain.ts'
import { type GemmLimits, proveGemm, rowsPerStep, verifyGemm } from '../src/gpu/gemm-proof.ts'
import { concat } from '../src/gpu/hash.ts'
import { loadKernels } from '../src/gpu/kernels.ts'
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
function timed<T>(work: () => T): { value: T; ms: number } {
  const startMs = performance.now()
  const value = work()
  return { value, ms: performance.now() - startMs }
}

export const bench: Bench = {
  name: 'verify',
  measures: `one thread of the CPU: checking a GEMM proof (n=${N}, T=${STEPS}, r=4) against making it`,
  targets: { verifyToProve: { atMost: 1 / 50 } },
  async run(progress) {
    const kernels = loadKernels()
    const [proves, opens, checks]: number[][] = [[], [], []]
    let bytes = 0
    for (let round = 1; round <= PROOFS; round++) {
      const seed = fill(round)
      const chain = timed(() => {
        const steps = new GemmChain(kernels, seed, N)
        return concat(Array.from({ length: STEPS }, () => steps.next().root))
      })
      const counts = [STEPS]
      const closing = tickChain(seed, counts, chain.value).at(-1)!
      const statement = { seed, openSeed: fill(99), n: N, steps: STEPS, ticks: 1, closing }
      const opened = timed(() => proveGemm(kernels, statement, counts, LIMITS))
      const { roots, rows, paths } = opened.value
      bytes = roots.length + rows.length + paths.length
      for (let i = 0; i < CHECKS; i++) {
        const check = timed(() => verifyGemm(kernels, statement, opened.value, LIMITS))
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

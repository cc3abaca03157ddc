import { type GemmLimits, verifyGemm } from '../src/gpu/gemm-proof.ts'
import { loadKernels } from '../src/gpu/kernels.ts'
import { type HopLimits, verifyHops } from '../src/gpu/locality-proof.ts'
import { type PassLimits, verifyPasses } from '../src/gpu/residency-proof.ts'
import { slotNetworks } from '../src/gpu/slot-network.ts'
import { GiB, MiB } from '../src/units.ts'
import { type Bench, median } from './support/bench.ts'
import { syntheticGemm, syntheticHops, syntheticPasses } from './support/synthetic-proof.ts'

/** An H100: 72 GiB streamed 240 times in 6 s, 64 steps of n = 16384 with four rows opened at each, 2.6 million hops. */
const GEMM = { n: 16_384, steps: 64 }
const RESIDENCY = { bytes: 72 * GiB, passes: 240 }
const LOCALITY = { bytes: RESIDENCY.bytes, checkpoints: 640 }
const GEMM_LIMITS: GemmLimits = { ...slotNetworks.finney.gemm, maxTicks: 13 }
const PASS_LIMITS: PassLimits = {
  maxBytes: 2 ** 40,
  maxPasses: 1024,
  maxTicks: 25,
  passSamples: 64,
  pageSamples: 4,
  iterations: 128,
}
const HOP_LIMITS: HopLimits = slotNetworks.finney.locality
const WARM_UP = 3
const CHECKS = 15
/** Whole GPUs verified one after the other, for the sustained rate and for what stays in memory. */
const SUSTAINED = 200

function timedMs(check: () => { readonly ok: boolean }): number {
  const startMs = performance.now()
  if (!check().ok) throw new Error('a consistent proof failed')
  return performance.now() - startMs
}

const bytesOf = (openings: object): number =>
  Object.values(openings).reduce((sum, part) => sum + (part as { length: number }).length, 0)

/** Resident memory once the collector has run, where this process may ask for it. */
function residentMiB(): number {
  globalThis.gc?.()
  return process.memoryUsage().rss / MiB
}

export const bench: Bench = {
  name: 'verify-gpu',
  measures: `one thread: checking an H100's slot (n=${GEMM.n}, T=${GEMM.steps}, r=4; 72 GiB, 256 pages, 4 × 4096 hops) that only its openings exist of`,
  targets: {
    gemmMs: { atMost: 60 },
    wireMB: { atMost: 4.5 },
    pagesMs: { atMost: 60 },
    hopsMs: { atMost: 60 },
    gpusPerSecond: { atLeast: 10 },
    growthMiB: { atMost: 32 },
  },
  async run(progress) {
    const kernels = loadKernels()
    progress('making proofs')
    const gemm = syntheticGemm(kernels, GEMM, GEMM_LIMITS)
    const passes = syntheticPasses(kernels, RESIDENCY, PASS_LIMITS)
    const hops = syntheticHops(kernels, LOCALITY, HOP_LIMITS)
    const checkGemm = () => verifyGemm(kernels, gemm.statement, gemm.openings, GEMM_LIMITS)
    const checkPages = () => verifyPasses(kernels, passes.statement, passes.openings, PASS_LIMITS)
    const checkHops = () => verifyHops(kernels, hops.statement, hops.openings, HOP_LIMITS)
    const rounds = Array.from({ length: WARM_UP + CHECKS }, () => ({
      gemm: timedMs(checkGemm),
      pages: timedMs(checkPages),
      hops: timedMs(checkHops),
      yardstick: memoryMs(gemm.openings.rows),
    })).slice(WARM_UP)
    progress(`${SUSTAINED} GPUs in a row`)
    const before = residentMiB()
    const startMs = performance.now()
    for (let i = 0; i < SUSTAINED; i++) {
      timedMs(checkGemm)
      timedMs(checkPages)
      timedMs(checkHops)
    }
    const tookMs = performance.now() - startMs
    return {
      figures: {
        gemmMs: median(rounds.map((round) => round.gemm)),
        pagesMs: median(rounds.map((round) => round.pages)),
        hopsMs: median(rounds.map((round) => round.hops)),
        wireMB: bytesOf(gemm.openings) / 1e6,
        pagesWireMB: bytesOf(passes.openings) / 1e6,
        hopsWireMB: bytesOf(hops.openings) / 1e6,
        gpusPerSecond: (SUSTAINED * 1000) / tookMs,
        growthMiB: residentMiB() - before,
      },
      yardstick: { copyMs: median(rounds.map((round) => round.yardstick)) },
    }
  },
}

/** Copying the opened rows once. */
function memoryMs(rows: Uint8Array): number {
  const startMs = performance.now()
  Uint8Array.from(rows)
  return performance.now() - startMs
}

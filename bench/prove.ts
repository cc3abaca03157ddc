import { availableParallelism } from 'node:os'
import type { Backend } from '../src/gpu/backend.ts'
import { createCpuBackend } from '../src/gpu/cpu-backend.ts'
import { runWork } from '../src/gpu/prove-work.ts'
import type { Prover } from '../src/gpu/prover.ts'
import { createProver } from '../src/gpu/prover-process.ts'
import { FILL_UNIT_BYTES } from '../src/gpu/resident-fill.ts'
import type { Work } from '../src/gpu/slot-network.ts'
import { silent } from '../src/log.ts'
import { MiB, minutesMs } from '../src/units.ts'
import { type Bench, median, type Result } from './support/bench.ts'
import { measureWebgpu } from './support/webgpu-figures.ts'

const N = 1024
const BYTES = 64 * MiB
/** What a local market fills with; real networks take eight times as many, for which rates are an eighth. */
const ITERATIONS = 16
const ROUNDS = 5
const [STEPS, PASSES] = [4, 16]
/** One fill that a processor's cache holds, and one that it does not. */
const [NEAR_BYTES, FAR_BYTES] = [8 * MiB, 256 * MiB]
const HOPS = 1_000_000
/** The least work a root can stand for: what is left is the way through the process. */
const least = { n: 256, bytes: FILL_UNIT_BYTES }
const ROOTS = 4000

const seed = new Uint8Array(32).fill(1)
const threads = availableParallelism()

/** How long `work` took, s. */
async function seconds(work: () => unknown): Promise<number> {
  const startMs = performance.now()
  await work()
  return (performance.now() - startMs) / 1000
}

interface Rates {
  readonly fillGBps: number
  readonly passGBps: number
  readonly tops: number
}

/** What one backend does when it is prepared. */
async function rates(backend: Backend): Promise<Rates> {
  const fill = await seconds(() => backend.fill(seed, ITERATIONS))
  const passes = await seconds(() => steps(backend, 'residency', PASSES))
  const chain = await seconds(() => steps(backend, 'gemm', STEPS))
  return {
    fillGBps: BYTES / fill / 1e9,
    passGBps: (PASSES * BYTES) / passes / 1e9,
    tops: (STEPS * 2 * N ** 3) / chain / 1e12,
  }
}

/** Works in this process until `count` roots have come. */
async function steps(backend: Backend, work: Work, count: number): Promise<void> {
  let left = count
  await runWork(
    backend,
    { work, seed },
    () => left > 0,
    () => left--,
  )
}

/** Mean time of a dependent hop over a fill of `bytes`, ns. */
async function nsPerHop(bytes: number): Promise<number> {
  await using backend = createCpuBackend({ threads: 1 })
  await backend.prepare({ n: 256, bytes })
  await backend.fill(seed, 1)
  const state = seed.subarray(16)
  await backend.hops(state, state, HOPS / 10)
  return ((await seconds(() => backend.hops(state, state, HOPS))) * 1e9) / HOPS
}

/** A copy of as many bytes, the plainest use of memory. */
async function copyGBps(): Promise<number> {
  const [from, to] = [new Uint8Array(BYTES).fill(1), new Uint8Array(BYTES)]
  const took = await seconds(() => {
    for (let i = 0; i < PASSES; i++) to.set(from)
  })
  return (PASSES * BYTES) / took / 1e9
}

/** Roots per second of the least work, through a prover's process. */
async function throughProcess(prover: Prover): Promise<number> {
  let left = ROOTS
  const took = await seconds(() =>
    prover.run({ work: 'residency', seed }, () => {
      if (--left === 0) prover.stop()
    }),
  )
  return ROOTS / took
}

/** And in a plain loop of this thread. */
const inLoop = async (backend: Backend): Promise<number> =>
  ROOTS / (await seconds(() => steps(backend, 'residency', ROOTS)))

interface Round {
  readonly one: Rates
  readonly all: Rates
  readonly copyGBps: number
  readonly process: number
  readonly loop: number
  readonly nearNs: number
  readonly farNs: number
}

function figuresOf(rounds: readonly Round[]): Result {
  const middle = (of: (round: Round) => number): number => median(rounds.map(of))
  return {
    figures: {
      fillGBps: middle(({ one }) => one.fillGBps),
      passGBps: middle(({ one }) => one.passGBps),
      passToCopy: middle((round) => round.one.passGBps / round.copyGBps),
      tops: middle(({ one }) => one.tops),
      threads,
      nsPerHop8MiB: middle(({ nearNs }) => nearNs),
      nsPerHop256MiB: middle(({ farNs }) => farNs),
      allFillGBps: middle(({ all }) => all.fillGBps),
      allPassGBps: middle(({ all }) => all.passGBps),
      allTopsPerThread: middle(({ all }) => all.tops / threads),
      rootsPerSecond: middle(({ process }) => process),
      processToLoop: middle(({ process, loop }) => process / loop),
      usPerRoot: middle(({ process, loop }) => 1e6 / process - 1e6 / loop),
    },
    yardstick: {
      copyGBps: middle((round) => round.copyGBps),
      loopRootsPerSecond: middle(({ loop }) => loop),
    },
  }
}

export const bench: Bench = {
  name: 'prove',
  measures: `the processor as a prover: fill and passes of ${BYTES / MiB} MiB, n=${N}; hops over 8 and 256 MiB; and ${ROOTS} roots through its process`,
  targets: { processToLoop: { atLeast: 0.5 }, passToCopy: { atLeast: 0.25 } },
  backends: ['webgpu'],
  async run(progress, { backend }) {
    if (backend === 'webgpu') return measureWebgpu(progress)
    await using one = createCpuBackend({ threads: 1 })
    await using all = createCpuBackend({ threads })
    for (const backend of [one, all]) await backend.prepare({ n: N, bytes: BYTES })
    await using loop = createCpuBackend({ threads: 1 })
    await loop.prepare(least)
    await loop.fill(seed, ITERATIONS)
    await using prover = createProver({ backend: 'cpu', threads: 1 }, silent)
    await prover.prepare(least)
    await prover.fill({ seed, iterations: ITERATIONS }, minutesMs(1))
    const rounds: Round[] = []
    for (let round = 0; round <= ROUNDS; round++) {
      const measured = {
        one: await rates(one),
        all: await rates(all),
        copyGBps: await copyGBps(),
        process: await throughProcess(prover),
        loop: await inLoop(loop),
        nearNs: await nsPerHop(NEAR_BYTES),
        farNs: await nsPerHop(FAR_BYTES),
      }
      progress(`${round}/${ROUNDS}: ${Math.round(measured.process)} roots/s`)
      if (round > 0) rounds.push(measured) // the first warms up
    }
    return figuresOf(rounds)
  },
}

import { type Backend, describeOpened, type ProofSizes } from '../../src/gpu/backend.ts'
import { createCpuBackend } from '../../src/gpu/cpu-backend.ts'
import { createWebgpuBackend } from '../../src/gpu/webgpu-backend.ts'
import { MiB } from '../../src/units.ts'
import { type Figures, median, type Result } from './bench.ts'

/** Software that plays a GPU is slow; a GPU is not busy with less. */
const SOFTWARE: ProofSizes = { n: 512, bytes: 4 * MiB }
const GPU: ProofSizes = { n: 4096, bytes: 512 * MiB }
const ITERATIONS = 16
const ROUNDS = 3
const [STEPS, PASSES, HOPS] = [4, 16, 10_000]
const seed = new Uint8Array(32).fill(1)

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (performance.now() - startMs) / 1000
}

const times = async (count: number, work: () => Promise<unknown>): Promise<void> => {
  for (let i = 0; i < count; i++) await work()
}

/** One round of everything. */
async function round(backend: Backend, { n, bytes }: ProofSizes) {
  const fill = await seconds(() => backend.fill(seed, ITERATIONS))
  const passes = await seconds(() => times(PASSES, () => backend.pass(seed)))
  await backend.startChain(seed)
  const chain = await seconds(() => times(STEPS, () => backend.step()))
  const state = seed.subarray(16)
  const hops = await seconds(() => backend.hops(state, state, HOPS))
  return {
    fillGBps: bytes / fill / 1e9,
    passGBps: (PASSES * bytes) / passes / 1e9,
    tops: (STEPS * 2 * n ** 3) / chain / 1e12,
    nsPerHop: (hops * 1e9) / HOPS,
  }
}

async function measure(backend: Backend, sizes: ProofSizes): Promise<Figures> {
  await backend.prepare(sizes)
  const rounds: Awaited<ReturnType<typeof round>>[] = []
  for (let i = 0; i <= ROUNDS; i++) {
    const one = await round(backend, sizes)
    if (i > 0) rounds.push(one) // the first warms up
  }
  const middle = (name: keyof (typeof rounds)[number]): number =>
    median(rounds.map((one) => one[name]))
  return {
    n: sizes.n,
    fillMiB: sizes.bytes / MiB,
    fillGBps: middle('fillGBps'),
    passGBps: middle('passGBps'),
    tops: middle('tops'),
    nsPerHop: middle('nsPerHop'),
  }
}

/** The first GPU that WebGPU sees, or its software, as a prover in this process; beside it one thread of the processor. */
export async function measureWebgpu(progress: (line: string) => void): Promise<Result> {
  await using backend = await createWebgpuBackend()
  const on = describeOpened(backend)
  progress(on)
  const sizes = backend.isSoftware ? SOFTWARE : GPU
  const figures = await measure(backend, sizes)
  await using processor = createCpuBackend({ threads: 1 })
  return { on, figures, yardstick: await measure(processor, SOFTWARE) }
}

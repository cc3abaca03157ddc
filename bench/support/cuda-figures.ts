import type { Backend } from '../../src/gpu/backend.ts'
import { CudaDevice, keyArgument } from '../../src/gpu/cuda/device.ts'
import type { CudaDeviceOptions } from '../../src/gpu/cuda/devices.ts'
import type { Handle } from '../../src/gpu/cuda/driver.ts'
import { queueGemm, queueRows, timeGemm } from '../../src/gpu/cuda/gemm.ts'
import { createCudaBackend } from '../../src/gpu/cuda-backend.ts'
import { DOMAIN_C } from '../../src/gpu/gemm-chain.ts'
import { FILL_UNIT_BYTES, nextPassKey } from '../../src/gpu/resident-fill.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { MiB } from '../../src/units.ts'
import type { Result } from './bench.ts'

/** Dense int8 peaks of the vendor's data sheets, TOPS, by what the driver calls the device; others are unknown. */
const peaks: readonly (readonly [RegExp, number])[] = [
  [/B200/, 4500],
  [/H200|H100.*HBM3/, 1979],
  [/H100 PCIe/, 1513],
  [/A100/, 624],
  [/L40S/, 733],
  [/L4\b/, 242],
  [/RTX 4090/, 660],
  [/RTX 3090\b/, 284],
]
const peakOf = (name: string): number | null =>
  peaks.find(([pattern]) => pattern.test(name))?.[1] ?? null

export interface CudaSizes {
  readonly n: number
  readonly bytes: number
  readonly iterations: number
  /** How long passes and steps are repeated, each. */
  readonly workMs: number
}

/** What suits the memory that is free: a quarter of it, at most 8 GiB, for the fill; n = 16384 where it fits easily. */
export async function usualSizes(options: CudaDeviceOptions): Promise<CudaSizes> {
  await using device = await CudaDevice.open(options)
  const quarter = Math.min(device.freeBytes() / 4, 8192 * MiB)
  const bytes = Math.floor(quarter / FILL_UNIT_BYTES) * FILL_UNIT_BYTES
  return { n: quarter >= 1024 * MiB ? 16_384 : 4096, bytes, iterations: 128, workMs: 2000 }
}

/** What a device does as a prover, beside what its driver and its maker say it can; needs the memory of its sizes twice. */
export async function measureCuda(options: CudaDeviceOptions, sizes: CudaSizes): Promise<Result> {
  const alone = await measureAlone(options, sizes)
  const proving = await measureProving(options, sizes)
  const { n, bytes, iterations } = sizes
  const peak = peakOf(alone.name)
  const gemmTops = (2 * n ** 3) / alone.gemmMs / 1e9
  const passGBps = bytes / proving.passMs / 1e6
  const copyGBps = (2 * bytes) / alone.copyMs / 1e6
  return {
    figures: {
      tops: (2 * n ** 3) / proving.stepMs / 1e9,
      commitmentOverheadPercent: (proving.stepMs / (alone.gemmMs + alone.rowsMs) - 1) * 100,
      gemmTops,
      burstGemmTops: (2 * n ** 3) / alone.burstMs / 1e9,
      rowsMs: alone.rowsMs,
      passGBps,
      passToCopy: passGBps / copyGBps,
      fillGBps: bytes / proving.fillMs / 1e6,
      nsPerHop: proving.nsPerHop,
      ...{ n, fillMiB: bytes / MiB, iterations },
    },
    yardstick: {
      copyGBps,
      peakInt8Tops: peak,
      gemmToPeak: peak === null ? null : gemmTops / peak,
    },
  }
}

/**
 * The kernels alone and a copy within the device, by its own clock. Products go on for as long as steps do later: an
 * H100 reaches its power limit within a second, and is a seventh slower from then on.
 */
async function measureAlone(options: CudaDeviceOptions, { n, bytes, workMs }: CudaSizes) {
  await using device = await CudaDevice.open(options)
  const held: Record<'memory' | 'streams' | 'events', Handle[]> = {
    memory: [],
    streams: [],
    events: [],
  }
  try {
    const stream = device.stream()
    held.streams.push(stream)
    while (held.events.length < 2) held.events.push(device.event())
    const [from, to] = held.events as [Handle, Handle]
    const time = async (queue: () => void): Promise<number> => {
      queue() // once to warm up
      device.record(from, stream)
      queue()
      device.record(to, stream)
      await device.wait(to)
      return device.elapsedMs(from, to)
    }
    while (held.memory.length < 3) held.memory.push(device.allocate(n * n))
    const matrices = held.memory.slice(0, 3) as [Handle, Handle, Handle]
    const key = keyArgument(new Uint8Array(32))
    const rowsMs = await time(() => queueRows(device, stream, matrices[0], key, n, DOMAIN_C, 0))
    queueRows(device, stream, matrices[1], key, n, DOMAIN_C, 1)
    const warp64Ms = await timeGemm(device, stream, 'gemm_warp64', matrices, n)
    const warp32Ms = await timeGemm(device, stream, 'gemm_warp32', matrices, n)
    const kernel = warp32Ms < warp64Ms ? 'gemm_warp32' : 'gemm_warp64'
    const gemmMs = await perCall(workMs, async () => {
      queueGemm(device, stream, kernel, matrices, n)
      device.record(to, stream)
      await device.wait(to)
    })
    while (held.memory.length < 5) held.memory.push(device.allocate(bytes))
    const [source, copy] = held.memory.slice(3) as [Handle, Handle]
    const copyMs = await time(() => device.copy(stream, copy, source, bytes))
    return {
      name: device.facts.name,
      rowsMs,
      gemmMs,
      burstMs: Math.min(warp32Ms, warp64Ms),
      copyMs,
    }
  } finally {
    await device.idle(held.streams)
    device.release(held)
  }
}

/** The backend as a prover uses it, by this machine's clock. */
async function measureProving(options: CudaDeviceOptions, sizes: CudaSizes) {
  await using backend = await createCudaBackend(options)
  await backend.prepare(sizes)
  const fillMs = await timeOf(() => backend.fill(new Uint8Array(32), sizes.iterations))
  const passMs = await perCall(sizes.workMs, passes(backend))
  const [state, key] = [new Uint8Array(16), new Uint8Array(16)]
  const segmentMs = await perCall(sizes.workMs, () => backend.hops(state, key, HOPS))
  await backend.startChain(new Uint8Array(32))
  const stepMs = await perCall(sizes.workMs, () => backend.step())
  return { fillMs, passMs, stepMs, nsPerHop: (segmentMs * 1e6) / HOPS }
}

/** Hops to a checkpoint of the locality chain on real networks. */
const HOPS = slotNetworks.finney.locality.hops

/** Passes under chained keys. */
function passes(backend: Backend): () => Promise<void> {
  let key: Uint8Array = new Uint8Array(32)
  return async () => {
    key = nextPassKey(key, await backend.pass(key))
  }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

/** Mean time of a call, repeated for so long after one to warm up. */
async function perCall(workMs: number, work: () => Promise<unknown>): Promise<number> {
  await work()
  let calls = 0
  const startMs = performance.now()
  do {
    await work()
    calls++
  } while (performance.now() - startMs < workMs)
  return (performance.now() - startMs) / calls
}

import { MiB, minutesMs } from '../units.ts'
import { describeOpened, type ProofSizes } from './backend.ts'
import type { BackendDevice } from './backends.ts'
import { fitSizes } from './fit-sizes.ts'
import { measureLink } from './measure-link.ts'
import { workFor } from './prove-offline.ts'
import { isOutOfMemory, type Prover } from './prover.ts'
import { gbPerSecondOf, topsOf } from './rates.ts'
import { slotNetworks } from './slot-network.ts'

/** What a device does as a prover, outside of any slot. */
export interface DeviceFigures {
  /** What it ran on, in one line: the device as its driver names it, whether it is software, the kernel of the product. */
  readonly ranOn: string
  readonly n: number
  readonly fillBytes: number
  /** Memory that its proofs take, the fill and three matrices, MiB; null where they were not made as large as they can. */
  readonly usableMiB: number | null
  /** The matrix chain, everything that a step takes included. */
  readonly tops: number
  /** Passes over the fill. */
  readonly gbps: number
  /** How fast the fill is made, GB/s; once in an epoch. */
  readonly fillGBps: number
  /** From the machine's memory to the device's; null where there is no link, or it cannot be measured. */
  readonly linkGBps: number | null
}

export interface BenchJob {
  readonly device: BackendDevice
  readonly prover: Prover
  readonly sizes: ProofSizes
  /** The sizes are all that its memory is expected to hold. */
  readonly takesAll: boolean
  /** How long passes and steps are repeated, each. */
  readonly forMs: number
  readonly onStage: (stage: string) => void
}

/** As on the public networks, whatever this one is. */
const { residency, gemm } = slotNetworks.finney
const FILL_TIMEOUT_MS = minutesMs(10)
/** A device's memory is large, and a processor's prover small. */
const NO_LIMIT = Number.POSITIVE_INFINITY

/** Measures one device, which nothing else should use meanwhile; GPU_* when it does not open or fails. */
export async function benchDevice(job: BenchJob): Promise<DeviceFigures> {
  const { device, prover, forMs, onStage } = job
  onStage('copying to the device')
  const linkGBps = await measureLink(device)
  onStage('taking memory')
  const { n, bytes } = await takeMemory(job)
  const seed = new Uint8Array(32)
  onStage(`filling ${Math.floor(bytes / MiB)} MiB`)
  const startedMs = performance.now()
  await prover.fill({ seed, iterations: residency.iterations }, FILL_TIMEOUT_MS)
  const fillMs = performance.now() - startedMs
  const window = { forMs, most: NO_LIMIT }
  onStage('reading it in passes')
  const passes = await workFor(prover, { work: 'residency', seed }, window)
  onStage(`multiplying matrices of n = ${n}`)
  const steps = await workFor(prover, { work: 'gemm', seed }, window)
  return {
    ranOn: prover.opened === undefined ? device.backend : describeOpened(prover.opened),
    n,
    fillBytes: bytes,
    usableMiB: job.takesAll ? Math.floor((bytes + 3 * n * n) / MiB) : null,
    tops: topsOf(n, steps.roots.length, steps.tookMs),
    gbps: gbPerSecondOf(bytes, passes.roots.length, passes.tookMs),
    fillGBps: bytes / fillMs / 1e6,
    linkGBps,
  }
}

async function takeMemory({ prover, sizes }: BenchJob): Promise<ProofSizes> {
  try {
    await prover.prepare(sizes)
    return sizes
  } catch (error) {
    const fits = isOutOfMemory(error) ? await fitSizes(prover, sizes, gemm.minN) : undefined
    if (fits === undefined) throw error
    return fits
  }
}

import type { NowMs } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { minutesMs } from '../units.ts'
import type { Gpu } from './gpu.ts'
import { amdSmi } from './sources/amd-smi.ts'
import { nvidiaSmi } from './sources/nvidia-smi.ts'
import { type NvmlOptions, nvml } from './sources/nvml.ts'
import { rocmSmi } from './sources/rocm-smi.ts'
import type { DriverReading, GpuSource } from './sources/source.ts'
import { systemProfiler } from './sources/system-profiler.ts'
import { type LeftoverOptions, leftoverGpus } from './sources/webgpu.ts'

/** What all drivers of this machine say at one time. */
export interface MachineReading extends DriverReading {
  /** Drivers that are installed and did not answer. */
  readonly errors: readonly NodeError[]
}

/** The GPU drivers of this machine, each asked in a process of its own with a deadline; never two readings at once. */
export interface GpuDrivers extends AsyncDisposable {
  /** What they say now. Nothing is thrown: a driver that fails is one of its `errors`. */
  read(): Promise<MachineReading>
  /** Sets a GPU's power limit; throws GPU_POWER_LIMIT where its driver cannot, or this user may not. */
  setPowerLimit(gpu: Gpu, watts: number): Promise<void>
}

export interface DriverOptions {
  readonly env?: NodeJS.ProcessEnv
  /** How long one driver may take. Without NVIDIA's persistence daemon a machine of eight GPUs takes several seconds. */
  readonly timeoutMs?: number
  /** How often a vendor that has nothing here is asked again: its driver may be loaded later, or its first GPU plugged in. */
  readonly absentEveryMs?: number
  readonly nowMs?: NowMs
  /** NVML libraries in place of the usual ones. */
  readonly nvmlLibraries?: NvmlOptions['libraries']
  /** In place of the adapters and the kernel's list of this machine. */
  readonly leftovers?: LeftoverOptions
}

interface Vendor {
  /** Whose GPUs it tells of; `any` where it tells of all. */
  readonly name: 'nvidia' | 'amd' | 'any'
  readonly source: GpuSource
}

/** The ways to ask each vendor, the best first. */
const vendorsOf = ({ env, nvmlLibraries: libraries }: DriverOptions): Vendor[] => [
  { name: 'nvidia', source: firstThatAnswers([nvml({ env, libraries }), nvidiaSmi({ env })]) },
  { name: 'amd', source: firstThatAnswers([amdSmi({ env }), rocmSmi({ env })]) },
  { name: 'any', source: systemProfiler({ env }) },
]

export function createGpuDrivers(options: DriverOptions = {}): GpuDrivers {
  const { timeoutMs = 10_000, absentEveryMs = minutesMs(1), nowMs = Date.now } = options
  const vendors = vendorsOf(options)
  const leftovers = leftoverGpus(options.leftovers)
  /** Vendors that never had anything here, with the time from which on they are asked again. */
  const absent = new Map(vendors.map((vendor) => [vendor, 0]))

  async function ask(vendor: Vendor): Promise<DriverReading | undefined> {
    try {
      const reading = await vendor.source.read({ timeoutMs })
      if (reading === undefined && absent.has(vendor)) absent.set(vendor, nowMs() + absentEveryMs)
      else absent.delete(vendor)
      return reading
    } catch (error) {
      absent.delete(vendor) // what fails is here
      throw error
    }
  }

  return {
    async read() {
      const asked = vendors.filter((vendor) => nowMs() >= (absent.get(vendor) ?? 0))
      const said = await Promise.allSettled(asked.map(ask))
      const readings = said.flatMap((one) => (one.status === 'fulfilled' ? (one.value ?? []) : []))
      const told = readings.flatMap(({ gpus }) => gpus)
      // One that answered or failed tells of its GPUs, if not now then later: they are not looked for elsewhere.
      const here = vendors.filter((vendor) => !absent.has(vendor))
      const claimed = new Set<string>(here.map(({ name }) => name))
      const others = claimed.has('any')
        ? []
        : await leftovers.read({ claimed, told: told.map(({ gpu }) => gpu), timeoutMs })
      return {
        gpus: [...told, ...others],
        unnamed: readings.flatMap(({ unnamed }) => unnamed),
        errors: said.flatMap((one) => (one.status === 'rejected' ? errorOf(one.reason) : [])),
      }
    },
    async setPowerLimit(gpu, watts) {
      const vendor = vendors[gpu.vendor === 'nvidia' ? 0 : 1]!
      await vendor.source.setPowerLimit?.(gpu, watts)
    },
    async [Symbol.asyncDispose]() {
      for (const { source } of vendors) await source[Symbol.asyncDispose]()
    },
  }
}

/** Those of a machine whose GPUs are left alone. */
export const noGpuDrivers = (): GpuDrivers => ({
  read: async () => ({ gpus: [], unnamed: [], errors: [] }),
  setPowerLimit: async () => undefined,
  async [Symbol.asyncDispose]() {},
})

const errorOf = (reason: unknown): NodeError =>
  reason instanceof NodeError
    ? reason
    : new NodeError('GPU_DRIVER_FAILED', `a GPU driver failed: ${reason}`, { cause: reason })

/**
 * Several ways to ask one driver as one: the first that answers is asked again, and when it fails the others are tried.
 */
export function firstThatAnswers(sources: readonly GpuSource[]): GpuSource {
  let order = sources
  return {
    name: sources.map(({ name }) => name).join(' or '),
    async read(options) {
      let error: unknown
      for (const source of order) {
        try {
          const reading = await source.read(options)
          if (reading === undefined) continue
          order = [source, ...sources.filter((other) => other !== source)]
          return reading
        } catch (thrown) {
          error = thrown
        }
      }
      if (error !== undefined) throw error
      return undefined
    },
    async setPowerLimit(gpu, watts) {
      const [source] = order.filter(({ setPowerLimit }) => setPowerLimit !== undefined)
      if (source?.setPowerLimit !== undefined) return source.setPowerLimit(gpu, watts)
      throw new NodeError('GPU_POWER_LIMIT', `no driver here limits the power of ${gpu.name}`)
    },
    async [Symbol.asyncDispose]() {
      for (const source of sources) await source[Symbol.asyncDispose]()
    },
  }
}

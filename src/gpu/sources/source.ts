import type { Gpu, GpuFigures } from '../gpu.ts'

/** One GPU as its driver sees it now. */
export interface GpuReading {
  readonly gpu: Gpu
  readonly figures: GpuFigures
  /** Why it cannot be used, in the driver's words; absent when it can. */
  readonly fault?: string
}

/** Everything a driver says at one time. */
export interface DriverReading {
  readonly gpus: readonly GpuReading[]
  /** What it says of GPUs that it could not even name, e.g. one that has fallen off the bus. */
  readonly unnamed: readonly string[]
}

export interface ReadOptions {
  /** How long the driver may take. */
  readonly timeoutMs: number
}

/** One way to ask one vendor's driver; never asked twice at once. */
export interface GpuSource extends AsyncDisposable {
  readonly name: string
  /**
   * What the driver says now; undefined where this way is not installed.
   * @throws GPU_DRIVER_TIMEOUT when it does not answer in time, GPU_DRIVER_FAILED when it is installed and does not work
   */
  read(options: ReadOptions): Promise<DriverReading | undefined>
  /**
   * Sets the limit of a GPU's power, in watts.
   * @throws GPU_POWER_LIMIT when the driver refuses: mostly, only root may
   */
  setPowerLimit?(gpu: Gpu, watts: number): Promise<void>
}

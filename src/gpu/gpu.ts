/** One GPU of this machine, one slice of a GPU (MIG), or its CPU where there is no GPU. */
export interface Gpu {
  /**
   * Stable across restarts: the PCI address of a GPU, the UUID of a MIG slice, `cpu-0` for the CPU, `webgpu-…` with its
   * name for a GPU whose address nobody tells.
   */
  readonly id: string
  /** `nvidia`, `amd`, `apple`, …; `cpu` for the processor. */
  readonly vendor: string
  readonly name: string
  /** The driver's identifier, which containers are given; absent where there is none. */
  readonly uuid?: string
  /** Memory of the GPU; for the CPU and for GPUs that share it, the machine's memory. 0 where nobody tells. */
  readonly vramMiB: number
  readonly driver?: string
  readonly computeCapability?: string
  /** What slot and GPU can do together at most, not what an idle link has fallen back to. */
  readonly pcie?: PcieLink
  /** Only for a GPU that no tool of its vendor told of: what showed it. */
  readonly foundBy?: 'webgpu'
  /** The GPU's family, e.g. `rdna-2`, and its driver in its own words; only where WebGPU showed it. */
  readonly architecture?: string
  readonly description?: string
  /** Only for a MIG slice: the GPU it is a part of, and its size in the driver's words, e.g. `3g.40gb`. */
  readonly mig?: { readonly parent: string; readonly profile: string }
  /** Threads this process may use; only for the CPU. */
  readonly cores?: number
}

export interface PcieLink {
  readonly gen: number | null
  readonly width: number | null
}

/** What a driver measures; null where it does not tell. */
export interface GpuFigures {
  readonly temperatureC: number | null
  readonly powerW: number | null
  /** The limit in force. */
  readonly powerLimitW: number | null
  readonly utilizationPercent: number | null
  readonly memoryUsedMiB: number | null
  readonly coreClockMHz: number | null
  readonly memoryClockMHz: number | null
  /** Uncorrected memory errors since the driver was loaded. */
  readonly eccErrors: number | null
  /** The newest fault that the driver reported while it was watched, e.g. `Xid 79`. */
  readonly lastError: string | null
  /** Programs that compute on it; those that only draw are left out. */
  readonly processes: readonly GpuProcess[] | null
}

export interface GpuProcess {
  readonly pid: number
  readonly memoryMiB: number | null
}

/** The figures of a device that nobody measures. */
export const NO_FIGURES: GpuFigures = {
  temperatureC: null,
  powerW: null,
  powerLimitW: null,
  utilizationPercent: null,
  memoryUsedMiB: null,
  coreClockMHz: null,
  memoryClockMHz: null,
  eccErrors: null,
  lastError: null,
  processes: null,
}

/** The id of a GPU at a PCI address, as drivers write it. */
export const pciId = (address: string): string => `pci-${address.toLowerCase()}`

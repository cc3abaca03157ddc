import { availableParallelism, cpus, totalmem } from 'node:os'
import { MiB } from '../units.ts'
import { queryNvidiaSmi, type SmiGpu, type SmiOptions } from './nvidia-smi.ts'

/** One GPU of this machine, or its CPU where there is none. */
export interface Gpu {
  /** Stable across restarts: the PCI address of a GPU, `cpu-0` for the CPU. */
  readonly id: string
  readonly vendor: string
  readonly name: string
  /** The driver's identifier, which containers are given; absent for the CPU. */
  readonly uuid?: string
  /** Memory of the GPU; for the CPU, the machine's memory. */
  readonly vramMiB: number
  readonly driver?: string
  readonly computeCapability?: string
  /** What proves it. */
  readonly backend: 'cuda' | 'cpu'
  /** Threads this process may use; only for the CPU. */
  readonly cores?: number
}

/** The id of the one device of a machine without a GPU. */
export const CPU_ID = 'cpu-0'

/**
 * The GPUs of this machine; a machine without any is one device of class `cpu`.
 * @throws GPU_SMI_FAILED when a driver is installed that does not answer
 */
export async function detectGpus(options: SmiOptions = {}): Promise<Gpu[]> {
  const found = await queryNvidiaSmi(options)
  return found.length === 0 ? [cpuDevice()] : found.map(nvidiaDevice)
}

function nvidiaDevice(gpu: SmiGpu): Gpu {
  return {
    id: `pci-${gpu.pciBusId.toLowerCase()}`,
    vendor: 'nvidia',
    name: gpu.name,
    uuid: gpu.uuid,
    vramMiB: gpu.vramMiB ?? 0,
    backend: 'cuda',
    ...(gpu.driver === null ? {} : { driver: gpu.driver }),
    ...(gpu.computeCapability === null ? {} : { computeCapability: gpu.computeCapability }),
  }
}

/** This machine's CPU as a device of class `cpu`. */
export function cpuDevice(): Gpu {
  const name = cpus()[0]?.model.trim().replace(/\s+/g, ' ')
  return {
    id: CPU_ID,
    vendor: 'cpu',
    name: name === undefined || name === '' ? `CPU (${process.arch})` : name,
    vramMiB: Math.floor(totalmem() / MiB),
    backend: 'cpu',
    cores: availableParallelism(),
  }
}

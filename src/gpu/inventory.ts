import { availableParallelism, cpus, totalmem } from 'node:os'
import { MiB } from '../units.ts'
import { createGpuDrivers, type DriverOptions, type MachineReading } from './drivers.ts'
import type { Gpu } from './gpu.ts'

/** The id of the one device of a machine without a GPU. */
export const CPU_ID = 'cpu-0'

/**
 * The GPUs of this machine, usable or not; a machine without any is one device of class `cpu`.
 * @throws GPU_DRIVER_FAILED, GPU_DRIVER_TIMEOUT when a driver is installed that does not work and no other GPU is found
 */
export async function detectGpus(options: DriverOptions = {}): Promise<Gpu[]> {
  await using drivers = createGpuDrivers(options)
  return devicesIn(await drivers.read())
}

/** The same in what drivers said. */
export function devicesIn({ gpus, errors }: MachineReading): Gpu[] {
  const [error] = errors
  if (gpus.length === 0 && error !== undefined) throw error
  return gpus.length === 0 ? [cpuDevice()] : gpus.map(({ gpu }) => gpu)
}

/** This machine's CPU as a device of class `cpu`. */
export function cpuDevice(): Gpu {
  const name = cpus()[0]?.model.trim().replace(/\s+/g, ' ')
  return {
    id: CPU_ID,
    vendor: 'cpu',
    name: name === undefined || name === '' ? `CPU (${process.arch})` : name,
    vramMiB: Math.floor(totalmem() / MiB),
    cores: availableParallelism(),
  }
}

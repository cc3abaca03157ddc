import { NodeError } from '../errors.ts'
import { createGpuDrivers, type GpuDrivers, noGpuDrivers } from '../gpu/drivers.ts'
import type { Config } from './config.ts'

/** The drivers of this machine's GPUs, or none where its owner lets the processor. @throws BAD_CONFIG_DEVICES */
export function openDrivers({ devices, network }: Pick<Config, 'devices' | 'network'>): GpuDrivers {
  if (devices !== 'cpu') return createGpuDrivers()
  if (network === 'local') return noGpuDrivers()
  throw new NodeError('BAD_CONFIG_DEVICES', '--devices cpu is for local networks alone', {
    next: 'leave it out, or use --network local',
  })
}

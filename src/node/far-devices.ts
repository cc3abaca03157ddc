import { hash } from 'node:crypto'
import { CPU_ID } from '../gpu/inventory.ts'
import type { Device } from '../protocols/capability.ts'
import type { Network } from '../protocols/network.ts'
import type { EngineConfig, NamedGpu } from './engine-options.ts'

/** A device of an engine that this machine's drivers do not show: its owner's word. */
export interface FarDevice {
  /** The engine's name. */
  readonly engine: string
  readonly device: Device
  /** The engine's own name of a GPU; undefined for a processor. */
  readonly uuid: string | undefined
}

/** What an engine has that the drivers here do not show; one without GPUs has its processor, on local networks alone. */
export function farDevicesOf(
  { network }: Pick<Network, 'network'>,
  { name, tls, gpus }: EngineConfig,
): FarDevice[] {
  if (gpus === 'all') return []
  if (gpus.length > 0) return tls === undefined ? [] : gpus.map((gpu) => farGpu(name, gpu))
  if (network !== 'local') return []
  const device = { id: `${CPU_ID}@${name}`, vendor: 'unknown', name: `CPU of ${name}`, vramMiB: 0 }
  return [{ engine: name, device, uuid: undefined }]
}

/** Its id stays when the list of them changes, and does not say which board it is. */
const farGpu = (
  engine: string,
  { uuid, name = 'NVIDIA GPU', vramMiB = 0 }: NamedGpu,
): FarDevice => ({
  engine,
  device: {
    id: `gpu-${hash('sha256', uuid).slice(0, 12)}@${engine}`,
    vendor: 'nvidia',
    name,
    vramMiB,
  },
  uuid,
})

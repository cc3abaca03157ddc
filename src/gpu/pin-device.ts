/** Holding a process to one of several GPUs of the same name. */
import type { BackendDevice } from './backends.ts'
import type { Gpu } from './gpu.ts'

const ID = /^pci-([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$/

/**
 * The PCI address by which a process may be held to a GPU; undefined where nothing can: only Mesa's Vulkan layer takes
 * an address, on Linux, and NVIDIA's own driver does not go through it.
 */
export function pinOf({ id, vendor }: Pick<Gpu, 'id' | 'vendor'>): string | undefined {
  return vendor === 'nvidia' || process.platform !== 'linux' ? undefined : ID.exec(id)?.[1]
}

/**
 * The environment of a process that shall see one GPU alone (Mesa, "Environment Variables": DRI_PRIME with an address,
 * and the default device alone). A driver may not know it or not find the address, so the process checks what it got.
 */
export const pinEnv = (pci: string | undefined): NodeJS.ProcessEnv =>
  pci === undefined
    ? {}
    : {
        DRI_PRIME: `pci-${pci.replace(/[:.]/g, '_')}`,
        MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE: '1',
      }

/** What the process of a device is told: CUDA shows it one slice of a divided GPU, the one that it is told. */
export function deviceEnv(device: BackendDevice): NodeJS.ProcessEnv {
  if (device.backend === 'webgpu') return pinEnv(device.pci)
  return device.backend === 'cuda' && device.uuid.startsWith('MIG-')
    ? { CUDA_VISIBLE_DEVICES: device.uuid }
    : {}
}

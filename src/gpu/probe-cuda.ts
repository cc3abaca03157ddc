import { siblingModule } from '../thread.ts'
import { askDrivers } from './ask-drivers.ts'
import type { CudaDeviceFacts } from './cuda/devices.ts'

/** Without NVIDIA's persistence daemon a machine of eight GPUs takes several seconds. */
const TIMEOUT_MS = 20_000

/**
 * What `listCudaDevices` says, from a process of its own: libcuda may hang or crash, and keeps memory of each GPU.
 * @throws GPU_BACKEND_MISSING, GPU_DRIVER_OLD, or GPU_DRIVER when it did
 */
export const probeCudaDevices = ({
  module = siblingModule(import.meta.url, 'probe-cuda-process'),
  timeoutMs = TIMEOUT_MS,
} = {}): Promise<CudaDeviceFacts[]> =>
  askDrivers({
    module,
    timeoutMs,
    next: 'see whether nvidia-smi answers; restart the machine or update the NVIDIA driver',
  })

import { siblingModule } from '../thread.ts'
import { askDrivers } from './ask-drivers.ts'
import type { WebgpuAdapter } from './webgpu-adapters.ts'

/** Drivers of many GPUs take a second or two to load. */
const TIMEOUT_MS = 20_000

/**
 * What `listWebgpuAdapters` says, from a process of its own: graphics drivers print, hang and crash.
 * @throws GPU_BACKEND_MISSING, or GPU_DRIVER when they did
 */
export const probeWebgpuAdapters = ({
  module = siblingModule(import.meta.url, 'probe-adapters-process'),
  timeoutMs = TIMEOUT_MS,
} = {}): Promise<WebgpuAdapter[]> =>
  askDrivers({
    module,
    timeoutMs,
    next: 'update or remove the graphics drivers: vulkaninfo shows which one fails',
  })

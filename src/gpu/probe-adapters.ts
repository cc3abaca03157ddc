import { siblingModule } from '../thread.ts'
import { askDrivers } from './ask-drivers.ts'
import type { AdapterQuestion } from './describe-adapters.ts'
import { pinEnv } from './pin-device.ts'
import type { WebgpuAdapter } from './webgpu-adapters.ts'

/** Drivers of many GPUs take a second or two to load. */
const TIMEOUT_MS = 20_000

export interface ProbeOptions extends AdapterQuestion {
  readonly module?: URL
  readonly timeoutMs?: number
}

/**
 * What `describeAdapters` says, from a process of its own: graphics drivers print, hang and crash.
 * @throws what it throws, or GPU_DRIVER when they did
 */
export const probeWebgpuAdapters = ({
  module = siblingModule(import.meta.url, 'probe-adapters-process'),
  timeoutMs = TIMEOUT_MS,
  ...question
}: ProbeOptions = {}): Promise<WebgpuAdapter[]> =>
  askDrivers({
    module,
    args: [JSON.stringify(question)],
    env: pinEnv(question.pci),
    timeoutMs,
    next: 'update or remove the graphics drivers: vulkaninfo shows which one fails',
  })

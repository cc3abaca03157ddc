import { NodeError } from '../errors.ts'
import type { Backend, BackendName } from './backend.ts'

/** Which device a backend drives, and how; one shape for each name. */
export type BackendDevice =
  /** The processor; `threads` is by default all but one of the machine's. */
  | { readonly backend: 'cpu'; readonly threads?: number }
  /** An NVIDIA GPU by its driver's identifier. */
  | { readonly backend: 'cuda'; readonly uuid: string }
  /** A GPU of any vendor by the name of its adapter; by subgroup matrices where its owner wants that, and it can. */
  | {
      readonly backend: 'webgpu'
      readonly adapter: string
      readonly subgroupMatrix?: boolean
      /** Its PCI address, where its process is held to it: several GPUs have that name. */
      readonly pci?: string
    }

type DeviceOf<Name extends BackendName> = Extract<BackendDevice, { backend: Name }>
type Backends = { readonly [Name in BackendName]?: (device: DeviceOf<Name>) => Promise<Backend> }

/** Every backend of this program. A driver is loaded here alone: in a process of its own (prover-child.ts). */
const backends: Backends = {
  cpu: async (device) => (await import('./cpu-backend.ts')).createCpuBackend(device),
  cuda: async ({ uuid }) => (await import('./cuda-backend.ts')).createCudaBackend({ uuid }),
  webgpu: async (device) => (await import('./webgpu-backend.ts')).createWebgpuBackend(device),
}

/** Opens a device with its backend; GPU_NO_BACKEND when there is none of that name, GPU_* when it does not open. */
export async function openBackend(device: BackendDevice): Promise<Backend> {
  const open = backends[device.backend] as ((device: BackendDevice) => Promise<Backend>) | undefined
  if (open !== undefined) return await open(device)
  throw new NodeError('GPU_NO_BACKEND', `this program has no ${device.backend} backend`, {
    next: `use one of: ${Object.keys(backends).join(', ')}`,
  })
}

/**
 * NVIDIA's driver library, called through koffi: no toolkit and no addon of ours is needed, only the driver.
 *
 * Every call is synchronous and short: it puts work into a stream and returns, and what takes time is asked about with
 * cuEventQuery between turns of the event loop (wait.ts). koffi's asynchronous calls run on threads of a pool, and each
 * of those would lack the current context that CUDA keeps per thread. Only compiling and large allocations block for
 * longer, and both happen before any work is timed.
 */
import { messageOf, NodeError } from '../../errors.ts'
import { cudaError, NOT_READY } from './errors.ts'

/** A context, module, function, stream or event of the driver, or an address in device memory (below 2⁵³). */
export type Handle = number

/** The functions used, with the types of their arguments (cuda.h); handles and addresses are 64-bit words. */
const functions = {
  cuInit: ['uint'],
  cuDriverGetVersion: ['_Out_ int *'],
  cuDeviceGetCount: ['_Out_ int *'],
  cuDeviceGet: ['_Out_ int *', 'int'],
  cuDeviceGetName: ['_Out_ uint8 *', 'int', 'int'],
  cuDeviceGetUuid_v2: ['_Out_ uint8 *', 'int'],
  cuDeviceTotalMem_v2: ['_Out_ uint64 *', 'int'],
  cuDeviceGetAttribute: ['_Out_ int *', 'int', 'int'],
  cuDeviceGetPCIBusId: ['_Out_ uint8 *', 'int', 'int'],
  cuDevicePrimaryCtxRetain: ['_Out_ uint64 *', 'int'],
  cuDevicePrimaryCtxRelease_v2: ['int'],
  cuCtxSetCurrent: ['uint64'],
  cuCtxGetStreamPriorityRange: ['_Out_ int *', '_Out_ int *'],
  cuModuleLoadDataEx: ['_Out_ uint64 *', 'const char *', 'uint', 'void *', 'void *'],
  cuModuleUnload: ['uint64'],
  cuModuleGetFunction: ['_Out_ uint64 *', 'uint64', 'const char *'],
  cuMemGetInfo_v2: ['_Out_ uint64 *', '_Out_ uint64 *'],
  cuMemAlloc_v2: ['_Out_ uint64 *', 'uint64'],
  cuMemFree_v2: ['uint64'],
  cuMemcpyDtoH_v2: ['_Out_ uint8 *', 'uint64', 'uint64'],
  cuMemAllocHost_v2: ['_Out_ uint64 *', 'uint64'],
  cuMemFreeHost: ['uint64'],
  cuMemcpyHtoDAsync_v2: ['uint64', 'uint64', 'uint64', 'uint64'],
  cuMemcpyDtoDAsync_v2: ['uint64', 'uint64', 'uint64', 'uint64'],
  cuStreamCreateWithPriority: ['_Out_ uint64 *', 'uint', 'int'],
  cuStreamDestroy_v2: ['uint64'],
  cuStreamWaitEvent: ['uint64', 'uint64', 'uint'],
  cuEventCreate: ['_Out_ uint64 *', 'uint'],
  cuEventDestroy_v2: ['uint64'],
  cuEventRecord: ['uint64', 'uint64'],
  cuEventQuery: ['uint64'],
  cuEventElapsedTime: ['_Out_ float *', 'uint64', 'uint64'],
  cuLaunchKernel: [
    ...['uint64', 'uint', 'uint', 'uint', 'uint', 'uint', 'uint', 'uint', 'uint64'],
    ...['void **', 'void **'],
  ],
} as const satisfies Record<string, readonly string[]>

export type DriverFunction = keyof typeof functions

export interface CudaDriver {
  /** Calls a function; throws what it answers other than success, as GPU_* (errors.ts). */
  call(name: DriverFunction, ...args: readonly unknown[]): void
  /** Calls a function that writes one number or handle to its first argument, and returns that. */
  get(name: DriverFunction, ...args: readonly unknown[]): number
  /** Whether all work before an event is done; throws when that work failed. */
  reached(event: Handle): boolean
  /** The address of bytes of this process, to be written into another argument; they must outlive the call. */
  addressOf(bytes: Uint8Array): bigint
}

type Koffi = typeof import('koffi')
type Library = ReturnType<Koffi['load']>

/** Where the driver lies, besides the loader's own paths; WSL keeps it apart. */
const LIBRARIES: readonly string[] =
  process.platform === 'win32' ? ['nvcuda.dll'] : ['libcuda.so.1', '/usr/lib/wsl/lib/libcuda.so.1']

/**
 * Loads the driver and starts it.
 * @param library another file to load it from
 * @throws GPU_BACKEND_MISSING without koffi or driver, GPU_DRIVER_OLD when the driver lacks a function,
 * GPU_DEVICE_MISSING when it knows no device
 */
export async function loadDriver(library?: string): Promise<CudaDriver> {
  const koffi = await loadKoffi()
  const loaded = openLibrary(koffi, library === undefined ? LIBRARIES : [library])
  const bound = Object.entries(functions).map(([name, types]) => [name, bind(loaded, name, types)])
  const calls = Object.fromEntries(bound) as Record<DriverFunction, (...args: unknown[]) => number>
  const errorName = bind(loaded, 'cuGetErrorName', ['int', '_Out_ const char **'])
  const nameOf = (result: number): string | null => {
    const name: [string | null] = [null]
    return errorName(result, name) === 0 ? name[0] : null
  }
  const driver: CudaDriver = {
    call(name, ...args) {
      const result = calls[name](...args)
      if (result !== 0) throw cudaError(name, result, nameOf(result))
    },
    get(name, ...args) {
      const out: [number | bigint] = [0]
      driver.call(name, out, ...args)
      return Number(out[0])
    },
    reached(event) {
      const result = calls.cuEventQuery(event)
      if (result !== 0 && result !== NOT_READY) {
        throw cudaError('cuEventQuery', result, nameOf(result))
      }
      return result === 0
    },
    addressOf: (bytes) => koffi.address(bytes),
  }
  driver.call('cuInit', 0)
  return driver
}

async function loadKoffi(): Promise<Koffi> {
  try {
    return (await import('koffi')).default as unknown as Koffi
  } catch (cause) {
    throw new NodeError('GPU_BACKEND_MISSING', 'koffi, which calls the GPU driver, is missing', {
      cause,
      next: 'install compute-node again without --omit=optional',
    })
  }
}

function openLibrary(koffi: Koffi, candidates: readonly string[]): Library {
  const reasons: string[] = []
  for (const candidate of candidates) {
    try {
      return koffi.load(candidate)
    } catch (error) {
      reasons.push(`${candidate}: ${messageOf(error)}`)
    }
  }
  throw new NodeError(
    'GPU_BACKEND_MISSING',
    `the NVIDIA driver cannot be loaded: ${reasons.join('; ')}`,
    { next: 'install the NVIDIA driver; in a container, start it with --gpus' },
  )
}

function bind(library: Library, name: string, types: readonly string[]) {
  try {
    return library.func(name, 'int', [...types]) as (...args: unknown[]) => number
  } catch (cause) {
    throw new NodeError('GPU_DRIVER_OLD', `the NVIDIA driver lacks ${name}`, {
      cause,
      next: 'update the NVIDIA driver (nvidia-smi shows its version)',
    })
  }
}

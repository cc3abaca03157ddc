import type * as Koffi from 'koffi'

/** NVML's return codes that mean something here (nvml.h, nvmlReturn_enum). */
export const NVML = {
  success: 0,
  notSupported: 3,
  noPermission: 4,
  driverNotLoaded: 9,
  functionNotFound: 13,
  gpuIsLost: 15,
  resetRequired: 16,
} as const

/** Where the library is: beside the driver on Linux, in a folder of its own under WSL. */
export const NVML_LIBRARIES: readonly string[] = [
  'libnvidia-ml.so.1',
  '/usr/lib/wsl/lib/libnvidia-ml.so.1',
]

/** A device handle: an address inside the library. */
export type Handle = bigint

/** What stands after the device in a function's arguments: numbers, and memory that it writes to. */
type Argument = 'uint' | 'ulong' | 'handle' | 'out'

/** Every function used, with its arguments (nvml.h). Drivers of all ages lack some of them. */
const FUNCTIONS: Readonly<Record<string, readonly Argument[]>> = {
  nvmlInit_v2: [],
  nvmlShutdown: [],
  nvmlSystemGetDriverVersion: ['out', 'uint'],
  nvmlDeviceGetCount_v2: ['out'],
  nvmlDeviceGetHandleByIndex_v2: ['uint', 'out'],
  nvmlDeviceGetHandleByUUID: ['out', 'out'],
  nvmlDeviceGetName: ['handle', 'out', 'uint'],
  nvmlDeviceGetUUID: ['handle', 'out', 'uint'],
  nvmlDeviceGetPciInfo_v3: ['handle', 'out'],
  nvmlDeviceGetMemoryInfo: ['handle', 'out'],
  nvmlDeviceGetUtilizationRates: ['handle', 'out'],
  nvmlDeviceGetTemperature: ['handle', 'uint', 'out'],
  nvmlDeviceGetPowerUsage: ['handle', 'out'],
  nvmlDeviceGetEnforcedPowerLimit: ['handle', 'out'],
  nvmlDeviceSetPowerManagementLimit: ['handle', 'uint'],
  nvmlDeviceGetCudaComputeCapability: ['handle', 'out', 'out'],
  nvmlDeviceGetClockInfo: ['handle', 'uint', 'out'],
  nvmlDeviceGetTotalEccErrors: ['handle', 'uint', 'uint', 'out'],
  nvmlDeviceGetMaxPcieLinkGeneration: ['handle', 'out'],
  nvmlDeviceGetCurrPcieLinkWidth: ['handle', 'out'],
  nvmlDeviceGetComputeRunningProcesses_v3: ['handle', 'out', 'out'],
  nvmlDeviceGetMigMode: ['handle', 'out', 'out'],
  nvmlDeviceGetMaxMigDeviceCount: ['handle', 'out'],
  nvmlDeviceGetMigDeviceHandleByIndex: ['handle', 'uint', 'out'],
  nvmlEventSetCreate: ['out'],
  nvmlEventSetFree: ['handle'],
  nvmlDeviceRegisterEvents: ['handle', 'ulong', 'handle'],
  nvmlEventSetWait_v2: ['handle', 'out', 'uint'],
}

const types: Readonly<Record<Argument, string>> = {
  uint: 'uint',
  ulong: 'uint64',
  handle: 'void *',
  out: 'void *',
}

/** NVIDIA's management library, called in place. Every call blocks, and may hang with the driver. */
export interface NvmlLibrary {
  /** Calls a function; its return code, or `functionNotFound` where this driver lacks it. */
  call(name: keyof typeof FUNCTIONS, ...args: readonly (number | bigint | Buffer)[]): number
}

/** Loads the first library that is there; undefined where none is, or where koffi was not installed. */
export async function openNvml(
  paths: readonly string[] = NVML_LIBRARIES,
): Promise<NvmlLibrary | undefined> {
  const koffi = await loadKoffi()
  const library = koffi === undefined ? undefined : firstOf(koffi, paths)
  if (library === undefined) return undefined
  const bound = new Map(Object.keys(FUNCTIONS).map((name) => [name, bind(library, name)]))
  return { call: (name, ...args) => bound.get(name)?.(...args) ?? NVML.functionNotFound }
}

/** An optional dependency: where it has no binary for this machine, nvidia-smi is asked instead. */
async function loadKoffi(): Promise<typeof Koffi | undefined> {
  try {
    return (await import('koffi')).default as unknown as typeof Koffi
  } catch {
    return undefined
  }
}

function firstOf(koffi: typeof Koffi, paths: readonly string[]): Koffi.LibraryHandle | undefined {
  for (const path of paths) {
    try {
      return koffi.load(path)
    } catch {
      // not there: the next one
    }
  }
  return undefined
}

type Bound = (...args: readonly (number | bigint | Buffer)[]) => number

function bind(library: Koffi.LibraryHandle, name: string): Bound | undefined {
  try {
    return library.func(
      name,
      'int',
      FUNCTIONS[name]!.map((kind) => types[kind]),
    )
  } catch {
    return undefined // a symbol that this driver lacks
  }
}

import { type Handle, NVML, type NvmlLibrary } from './nvml-library.ts'

/** What NVML says of one device, in NVML's own units: plain data that crosses a process boundary. Null: not told. */
export interface NvmlDevice {
  readonly index: number
  readonly name: string | null
  readonly uuid: string | null
  readonly pciBusId: string | null
  readonly computeCapability: string | null
  readonly memoryTotalBytes: number | null
  readonly memoryUsedBytes: number | null
  readonly utilizationPercent: number | null
  readonly temperatureC: number | null
  readonly powerMilliwatts: number | null
  readonly powerLimitMilliwatts: number | null
  readonly coreClockMHz: number | null
  readonly memoryClockMHz: number | null
  readonly eccErrors: number | null
  readonly pcieGen: number | null
  readonly pcieWidth: number | null
  readonly processes:
    | readonly { readonly pid: number; readonly memoryBytes: number | null }[]
    | null
  readonly migEnabled: boolean
  readonly slices: readonly NvmlSlice[]
  /** The code of the newest Xid event since this process watches; null for none. */
  readonly xid: number | null
  /** The return code that says that it is gone; 0 when it is not. */
  readonly fault: number
}

export interface NvmlSlice {
  readonly name: string | null
  readonly uuid: string | null
  readonly memoryTotalBytes: number | null
}

export interface NvmlAnswer {
  readonly driver: string | null
  readonly devices: readonly NvmlDevice[]
  /** Return codes in place of devices that have no handle any more. */
  readonly unnamed: readonly number[]
}

const TEXT_BYTES = 96
/** sizeof(nvmlPciInfo_t): two texts and five numbers; the full address is the last 32 bytes. */
const PCI = { bytes: 68, busId: 36 }
/** sizeof(nvmlProcessInfo_t): pid, padding, u64 memory, two MIG ids. */
const PROCESS_BYTES = 24
const MOST_PROCESSES = 128
/** nvmlTemperatureSensors_t, nvmlClockType_t, nvmlMemoryErrorType_t, nvmlEccCounterType_t. */
const [CORE_SENSOR, SM_CLOCK, MEMORY_CLOCK, UNCORRECTED, VOLATILE] = [0, 1, 2, 1, 0]
/** NVML_VALUE_NOT_AVAILABLE: all bits of the field. */
const NOT_AVAILABLE = 0xffff_ffff_ffff_ffffn

/** What NVML says of every device now. */
export function readDevices(nvml: NvmlLibrary, xids: ReadonlyMap<Handle, number>): NvmlAnswer {
  const devices: NvmlDevice[] = []
  const unnamed: number[] = []
  for (const [index, found] of deviceHandles(nvml).entries()) {
    if (typeof found === 'number') unnamed.push(found)
    else devices.push(readDevice(nvml, found, index, xids.get(found) ?? null))
  }
  const driver = Buffer.alloc(TEXT_BYTES)
  const code = nvml.call('nvmlSystemGetDriverVersion', driver, TEXT_BYTES)
  return { driver: code === 0 ? textIn(driver) : null, devices, unnamed }
}

/** The handle of every device, or the return code in its place. */
export function deviceHandles(nvml: NvmlLibrary): (Handle | number)[] {
  const count = Buffer.alloc(4)
  if (nvml.call('nvmlDeviceGetCount_v2', count) !== NVML.success) return []
  return Array.from({ length: count.readUInt32LE() }, (_, index) => {
    const handle = Buffer.alloc(8)
    const code = nvml.call('nvmlDeviceGetHandleByIndex_v2', index, handle)
    return code === NVML.success ? handle.readBigUInt64LE() : code
  })
}

/** Asks one device; remembers whether any answer was that it is gone. */
function ask(nvml: NvmlLibrary, device: Handle) {
  let fault: number = NVML.success
  const call = (name: string, ...args: (number | bigint | Buffer)[]): boolean => {
    const code = nvml.call(name, device, ...args)
    if (code === NVML.gpuIsLost || code === NVML.resetRequired) fault = code
    return code === NVML.success
  }
  const read = <T>(name: string, bytes: number, take: (out: Buffer) => T, ...before: number[]) => {
    const out = Buffer.alloc(bytes)
    return call(name, ...before, out) ? take(out) : null
  }
  return {
    call,
    read,
    fault: () => fault,
    number: (name: string, ...before: number[]) =>
      read(name, 4, (out) => out.readUInt32LE(), ...before),
    text(name: string) {
      const out = Buffer.alloc(TEXT_BYTES)
      return call(name, out, TEXT_BYTES) ? textIn(out) : null
    },
  }
}

type Asked = ReturnType<typeof ask>

function readDevice(
  nvml: NvmlLibrary,
  handle: Handle,
  index: number,
  xid: number | null,
): NvmlDevice {
  const device = ask(nvml, handle)
  const { number, text, read } = device
  const memory = memoryOf(device)
  const migEnabled = isDivided(device)
  const read64 = (out: Buffer): number => Number(out.readBigUInt64LE())
  return {
    index,
    name: text('nvmlDeviceGetName'),
    uuid: text('nvmlDeviceGetUUID'),
    pciBusId: read('nvmlDeviceGetPciInfo_v3', PCI.bytes, (out) => textIn(out.subarray(PCI.busId))),
    computeCapability: capabilityOf(device),
    memoryTotalBytes: memory?.total ?? null,
    memoryUsedBytes: memory?.used ?? null,
    utilizationPercent: read('nvmlDeviceGetUtilizationRates', 8, (out) => out.readUInt32LE()),
    temperatureC: number('nvmlDeviceGetTemperature', CORE_SENSOR),
    powerMilliwatts: number('nvmlDeviceGetPowerUsage'),
    powerLimitMilliwatts: number('nvmlDeviceGetEnforcedPowerLimit'),
    coreClockMHz: number('nvmlDeviceGetClockInfo', SM_CLOCK),
    memoryClockMHz: number('nvmlDeviceGetClockInfo', MEMORY_CLOCK),
    eccErrors: read('nvmlDeviceGetTotalEccErrors', 8, read64, UNCORRECTED, VOLATILE),
    pcieGen: number('nvmlDeviceGetMaxPcieLinkGeneration'),
    pcieWidth: number('nvmlDeviceGetCurrPcieLinkWidth'),
    processes: processesOf(device),
    migEnabled,
    slices: migEnabled ? slicesOf(nvml, device) : [],
    xid,
    fault: device.fault(),
  }
}

const memoryOf = ({ read }: Asked) =>
  read('nvmlDeviceGetMemoryInfo', 24, (out) => ({
    total: Number(out.readBigUInt64LE(0)),
    used: Number(out.readBigUInt64LE(16)),
  }))

function capabilityOf({ call }: Asked): string | null {
  const [major, minor] = [Buffer.alloc(4), Buffer.alloc(4)]
  if (!call('nvmlDeviceGetCudaComputeCapability', major, minor)) return null
  return `${major.readUInt32LE()}.${minor.readUInt32LE()}`
}

function processesOf({ call }: Asked): NvmlDevice['processes'] {
  const count = Buffer.alloc(4)
  count.writeUInt32LE(MOST_PROCESSES)
  const table = Buffer.alloc(MOST_PROCESSES * PROCESS_BYTES)
  if (!call('nvmlDeviceGetComputeRunningProcesses_v3', count, table)) return null
  return Array.from({ length: Math.min(MOST_PROCESSES, count.readUInt32LE()) }, (_, i) => {
    const memory = table.readBigUInt64LE(i * PROCESS_BYTES + 8)
    return {
      pid: table.readUInt32LE(i * PROCESS_BYTES),
      memoryBytes: memory === NOT_AVAILABLE ? null : Number(memory),
    }
  })
}

function isDivided({ call }: Asked): boolean {
  const [now, pending] = [Buffer.alloc(4), Buffer.alloc(4)]
  return call('nvmlDeviceGetMigMode', now, pending) && now.readUInt32LE() === 1
}

function slicesOf(nvml: NvmlLibrary, parent: Asked): NvmlSlice[] {
  const most = parent.number('nvmlDeviceGetMaxMigDeviceCount') ?? 0
  return Array.from({ length: most }, (_, i) => i).flatMap((i) => {
    const handle = parent.read(
      'nvmlDeviceGetMigDeviceHandleByIndex',
      8,
      (out) => out.readBigUInt64LE(),
      i,
    )
    if (handle === null) return [] // no slice in this place
    const slice = ask(nvml, handle)
    return {
      name: slice.text('nvmlDeviceGetName'),
      uuid: slice.text('nvmlDeviceGetUUID'),
      memoryTotalBytes: memoryOf(slice)?.total ?? null,
    }
  })
}

const textIn = (bytes: Buffer): string => {
  const end = bytes.indexOf(0)
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end)
}

import { NodeError } from '../../errors.ts'
import { MiB } from '../../units.ts'
import { type CudaDriver, loadDriver } from './driver.ts'

/** What the driver says about one device. */
export interface CudaDeviceFacts {
  /** Its place in the driver's own order, which CUDA_VISIBLE_DEVICES and updates change: the UUID stays. */
  readonly index: number
  /** As nvidia-smi prints it, `GPU-…`. */
  readonly uuid: string
  readonly name: string
  /** e.g. `9.0`. */
  readonly computeCapability: string
  readonly memoryMiB: number
  readonly multiprocessors: number
  /** As nvidia-smi prints it, e.g. `00000000:19:00.0`. */
  readonly pciBusId: string
  /** The newest CUDA that the driver knows, e.g. `12.8`. */
  readonly driverCuda: string
}

/** Which device is meant: the one of this UUID, else the one at this index, else the first. */
export interface CudaDeviceOptions {
  readonly uuid?: string
  readonly index?: number
  /** Another file to load the driver from. */
  readonly library?: string
}

/** The oldest compute capability whose tensor cores our kernels can use: Ampere's. */
export const CUDA_CAPABILITY = 8

/** CUdevice_attribute (cuda.h). */
const MULTIPROCESSOR_COUNT = 16
const CAPABILITY_MAJOR = 75
const CAPABILITY_MINOR = 76

/**
 * The CUDA devices of this machine that this process may see; none where the driver knows none.
 * @throws GPU_BACKEND_MISSING without driver
 */
export async function listCudaDevices(
  options: Pick<CudaDeviceOptions, 'library'> = {},
): Promise<CudaDeviceFacts[]> {
  try {
    return devicesOf(await loadDriver(options.library))
  } catch (error) {
    if (error instanceof NodeError && error.code === 'GPU_DEVICE_MISSING') return []
    throw error
  }
}

/** The devices that a driver knows. */
export function devicesOf(driver: CudaDriver): CudaDeviceFacts[] {
  const version = driver.get('cuDriverGetVersion')
  const driverCuda = `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`
  return Array.from({ length: driver.get('cuDeviceGetCount') }, (_, index) => {
    const device = driver.get('cuDeviceGet', index)
    const attribute = (of: number): number => driver.get('cuDeviceGetAttribute', of, device)
    const uuid = new Uint8Array(16)
    driver.call('cuDeviceGetUuid_v2', uuid, device)
    return {
      index,
      uuid: uuidText(uuid),
      name: text(driver, 'cuDeviceGetName', device),
      computeCapability: `${attribute(CAPABILITY_MAJOR)}.${attribute(CAPABILITY_MINOR)}`,
      memoryMiB: Math.floor(driver.get('cuDeviceTotalMem_v2', device) / MiB),
      multiprocessors: attribute(MULTIPROCESSOR_COUNT),
      pciBusId: longBusId(text(driver, 'cuDeviceGetPCIBusId', device)),
      driverCuda,
    }
  })
}

/**
 * The device that is meant, and able to prove.
 * @throws GPU_DEVICE_MISSING when there is none such, GPU_UNSUPPORTED when it has no int8 tensor cores of ours
 */
export function pickDevice(
  devices: readonly CudaDeviceFacts[],
  { uuid, index = 0 }: CudaDeviceOptions,
): CudaDeviceFacts {
  const found = uuid === undefined ? devices[index] : devices.find((d) => sameUuid(d.uuid, uuid))
  if (found === undefined) {
    const known = devices.map((d) => `${d.index}: ${d.uuid} ${d.name}`).join(', ')
    throw new NodeError(
      'GPU_DEVICE_MISSING',
      `no CUDA device ${uuid ?? index}; the driver knows ${known === '' ? 'none' : known}`,
      { next: 'name a GPU that nvidia-smi -L lists; CUDA_VISIBLE_DEVICES may hide it' },
    )
  }
  if (Number(found.computeCapability) < CUDA_CAPABILITY) {
    throw new NodeError(
      'GPU_UNSUPPORTED',
      `${found.name} has compute capability ${found.computeCapability}, and the cuda backend needs 8.0`,
      { next: 'use the webgpu backend for this GPU' },
    )
  }
  return found
}

/** Whether two UUIDs have the same digits: prefixes differ (GPU, MIG), digits do not. */
export const sameUuid = (one: string, other: string): boolean => hexOf(one) === hexOf(other)

const hexOf = (uuid: string): string => uuid.replace(/^[A-Z]+-/i, '').toLowerCase()

function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return `GPU-${hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`
}

/** The driver prints four digits of the domain, nvidia-smi eight. */
const longBusId = (id: string): string => id.toUpperCase().padStart(16, '0')

function text(
  driver: CudaDriver,
  name: 'cuDeviceGetName' | 'cuDeviceGetPCIBusId',
  device: number,
): string {
  const bytes = Buffer.alloc(256)
  driver.call(name, bytes, bytes.length, device)
  return bytes.toString('utf8', 0, bytes.indexOf(0)).trim()
}

import { readFileSync } from 'node:fs'
import { NodeError } from '../../errors.ts'
import type { Bytes } from '../hash.ts'
import { type CudaDeviceFacts, type CudaDeviceOptions, devicesOf, pickDevice } from './devices.ts'
import { type CudaDriver, type DriverFunction, type Handle, loadDriver } from './driver.ts'
import { until } from './wait.ts'

/** Kernels of kernels.cu. */
const KERNELS = [
  'random_rows',
  'slow_fill',
  'digest_pages',
  'hops',
  'hash_leaves',
  'hash_levels',
  'gemm_warp32',
  'gemm_warp64',
] as const
export type KernelName = (typeof KERNELS)[number]

/** One value of a kernel's parameters, as the bytes it has there. */
export type KernelArgument = Uint8Array

/** A 32-bit parameter. */
export const u32 = (value: number): KernelArgument => new Uint8Array(Uint32Array.of(value).buffer)

/** A vector parameter (`uint4`) of 16 B; throws RangeError on any other length. */
export function vectorArgument(bytes: Bytes): KernelArgument {
  if (bytes.length !== 16) throw new RangeError(`a vector has 16 bytes, not ${bytes.length}`)
  return Uint8Array.from(bytes)
}

/** A 64-bit parameter: an address, or a count. */
export const u64 = (value: number): KernelArgument =>
  new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)

/** A key of 32 B as the kernels' `Key`; throws RangeError on any other length. */
export function keyArgument(key: Bytes): KernelArgument {
  if (key.length !== 32) throw new RangeError(`a key has 32 bytes, not ${key.length}`)
  return Uint8Array.from(key)
}

/** CU_STREAM_NON_BLOCKING: plain copies do not wait for it, which could be for seconds. */
const NON_BLOCKING = 1

/** CUjit_option (cuda.h): where the compiler says what it disliked, and how much room it has. */
const JIT_ERROR_LOG = 5
const JIT_ERROR_LOG_BYTES = 6

/** What a crash took with it need not be given back. */
function unlessCrash(error: unknown): void {
  if (!(error instanceof NodeError && error.code === 'GPU_CRASHED')) throw error
}

const reworded = (error: NodeError, message: string): NodeError =>
  new NodeError(error.code, message, { cause: error, ...error.details, next: error.next ?? '' })

/**
 * One device with our kernels loaded. All calls go to its primary context, made current before each, because one thread
 * may serve several devices. Streams, events and memory belong to whoever asked for them.
 */
export class CudaDevice implements AsyncDisposable {
  readonly facts: CudaDeviceFacts
  readonly #driver: CudaDriver
  readonly #device: number
  #context: Handle = 0
  #module: Handle = 0
  readonly #kernels = new Map<KernelName, Handle>()

  private constructor(driver: CudaDriver, facts: CudaDeviceFacts) {
    this.#driver = driver
    this.facts = facts
    this.#device = driver.get('cuDeviceGet', facts.index)
  }

  /**
   * Opens a device and has the driver compile the kernels for it: seconds the first time, then from its own cache.
   * @throws GPU_BACKEND_MISSING, GPU_DEVICE_MISSING, GPU_UNSUPPORTED, GPU_DRIVER_OLD, GPU_OUT_OF_MEMORY, GPU_CUDA_FAILED
   */
  static async open(options: CudaDeviceOptions = {}): Promise<CudaDevice> {
    const driver = await loadDriver(options.library)
    const device = new CudaDevice(driver, pickDevice(devicesOf(driver), options))
    device.#context = driver.get('cuDevicePrimaryCtxRetain', device.#device)
    try {
      device.#loadKernels()
      return device
    } catch (error) {
      await device[Symbol.asyncDispose]()
      throw error
    }
  }

  #loadKernels(): void {
    const ptx = readFileSync(new URL('./kernels.ptx', import.meta.url), 'utf8')
    const log = Buffer.alloc(8192)
    const options = Uint32Array.of(JIT_ERROR_LOG, JIT_ERROR_LOG_BYTES)
    const values = BigUint64Array.of(this.#driver.addressOf(log), BigInt(log.length - 1))
    try {
      this.#module = this.#get('cuModuleLoadDataEx', ptx, options.length, options, values)
    } catch (error) {
      if (!(error instanceof NodeError)) throw error
      const said = log.toString('utf8', 0, log.indexOf(0)).trim()
      const message = said === '' ? error.message : `${error.message}: ${said}`
      throw reworded(error, message)
    }
    for (const name of KERNELS) {
      this.#kernels.set(name, this.#get('cuModuleGetFunction', this.#module, name))
    }
  }

  /** @throws GPU_OUT_OF_MEMORY with what there is */
  allocate(bytes: number): Handle {
    try {
      return this.#get('cuMemAlloc_v2', bytes)
    } catch (error) {
      if (!(error instanceof NodeError) || error.code !== 'GPU_OUT_OF_MEMORY') throw error
      const MiB = (b: number): number => Math.floor(b / 2 ** 20)
      const message = `${this.facts.name}: ${MiB(bytes)} MiB more are wanted, ${MiB(this.freeBytes())} MiB are free`
      throw reworded(error, message)
    }
  }

  freeBytes(): number {
    const [free, total]: [number | bigint][] = [[0], [0]]
    this.#call('cuMemGetInfo_v2', free, total)
    return Number(free![0])
  }

  /** Copies out what finished work has written; does not wait for any stream. */
  read(address: Handle, bytes: number): Bytes {
    const out = new Uint8Array(bytes)
    if (bytes > 0) this.#call('cuMemcpyDtoH_v2', out, address, bytes)
    return out
  }

  /** A queue of work; what is in an urgent one is given to the device before what is not. */
  stream(urgent = false): Handle {
    const [least, greatest]: [number][] = [[0], [0]]
    this.#call('cuCtxGetStreamPriorityRange', least, greatest)
    return this.#get('cuStreamCreateWithPriority', NON_BLOCKING, (urgent ? greatest : least)![0])
  }

  event(): Handle {
    return this.#get('cuEventCreate', 0)
  }

  /** Marks this place in a stream. */
  record(event: Handle, stream: Handle): void {
    this.#call('cuEventRecord', event, stream)
  }

  /** What follows in this stream waits for the place that was marked, in whatever stream. */
  follow(stream: Handle, event: Handle): void {
    this.#call('cuStreamWaitEvent', stream, event, 0)
  }

  /** Resolves when all work before a mark is done, while the event loop goes on; throws what went wrong in it. */
  wait(event: Handle): Promise<void> {
    return until(() => {
      this.#activate()
      return this.#driver.reached(event)
    })
  }

  /** Time on the device between two marks that were reached, ms. */
  elapsedMs(from: Handle, to: Handle): number {
    return this.#get('cuEventElapsedTime', from, to)
  }

  /** Queues a kernel over so many blocks of so many threads. */
  launch(
    stream: Handle,
    kernel: KernelName,
    blocks: number,
    threads: number,
    args: readonly KernelArgument[],
  ): void {
    const grid = [blocks, 1, 1, threads, 1, 1]
    this.#call('cuLaunchKernel', this.#kernels.get(kernel)!, ...grid, 0, stream, args, null)
  }

  /** Queues a copy within the device. */
  copy(stream: Handle, to: Handle, from: Handle, bytes: number): void {
    this.#call('cuMemcpyDtoDAsync_v2', to, from, bytes, stream)
  }

  /** Memory of the host that the device can read by itself, at the full speed of their link; `unpin` gives it back. */
  pin(bytes: number): Handle {
    return this.#get('cuMemAllocHost_v2', bytes)
  }

  unpin(host: Handle): void {
    this.#call('cuMemFreeHost', host)
  }

  /** Queues a copy from pinned memory of the host. */
  upload(stream: Handle, to: Handle, host: Handle, bytes: number): void {
    this.#call('cuMemcpyHtoDAsync_v2', to, host, bytes, stream)
  }

  /** Waits until streams are empty, so that what their work used can be given back; after a crash nothing is under way. */
  async idle(streams: readonly Handle[]): Promise<void> {
    const events: Handle[] = []
    try {
      for (const stream of streams) {
        const event = this.event()
        events.push(event)
        this.record(event, stream)
        await this.wait(event)
      }
    } catch (error) {
      unlessCrash(error)
    } finally {
      this.release({ events })
    }
  }

  /**
   * Gives back streams, events and memory that nothing uses any more, all that can be, and throws the first that could
   * not; on a device that crashed they are gone already.
   */
  release(held: { streams?: Handle[]; events?: Handle[]; memory?: Handle[] }): void {
    const { streams = [], events = [], memory = [] } = held
    const failures: unknown[] = []
    const giveBack = (name: DriverFunction, handles: Handle[]): void => {
      for (const handle of handles.splice(0)) {
        try {
          this.#call(name, handle)
        } catch (error) {
          failures.push(error)
        }
      }
    }
    giveBack('cuStreamDestroy_v2', streams)
    giveBack('cuEventDestroy_v2', events)
    giveBack('cuMemFree_v2', memory)
    if (failures.length > 0) unlessCrash(failures[0])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#context === 0) return
    try {
      if (this.#module !== 0) this.#call('cuModuleUnload', this.#module)
      this.#driver.call('cuDevicePrimaryCtxRelease_v2', this.#device)
    } catch (error) {
      unlessCrash(error)
    }
    this.#context = 0
  }

  #activate(): void {
    if (this.#context === 0) throw new NodeError('GPU_CUDA_FAILED', 'this device was closed')
    this.#driver.call('cuCtxSetCurrent', this.#context)
  }

  #call(name: DriverFunction, ...args: readonly unknown[]): void {
    this.#activate()
    this.#driver.call(name, ...args)
  }

  #get(name: DriverFunction, ...args: readonly unknown[]): number {
    this.#activate()
    return this.#driver.get(name, ...args)
  }
}

import { NodeError } from '../errors.ts'
import { MiB } from '../units.ts'
import type { Bytes } from './hash.ts'
import type { OpenAdapter } from './webgpu-adapters.ts'
import { isAbort, isPipelineError, lostError, refusedError, webgpuError } from './webgpu-errors.ts'
import { type Binding, type Job, type Piece, UNIFORM_STRIDE } from './webgpu-job.ts'
import { type WebgpuLimits, webgpuLimits } from './webgpu-limits.ts'
import type { Kernel } from './wgsl/kernel.ts'

/** Buffer usages (WebGPU §5.1.2): Dawn keeps these constants out of the global scope. */
const MAP_READ = 0x1
const COPY_SRC = 0x4
const COPY_DST = 0x8
const UNIFORM = 0x40
const STORAGE = 0x80

/** What an error can be (WebGPU §22.3); scopes are taken off in the other order, which does not matter here. */
const FILTERS = ['validation', 'out-of-memory', 'internal'] as const

/**
 * A device, and every error it may have: WebGPU reports most of them long after the call, or never if nobody looks.
 * Everything happens inside of `call`, one call at a time; outside of it nothing throws.
 */
export class WebgpuDevice implements AsyncDisposable {
  readonly name: string
  readonly isSoftware: boolean
  readonly limits: WebgpuLimits
  readonly #gpu: GPU
  readonly #device: GPUDevice
  readonly #lost: Promise<NodeError>
  readonly #closing = new AbortController()
  readonly #buffers = new Set<GPUBuffer>()
  /** By the kernel's text. */
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>()
  #loss: NodeError | undefined
  /** What went wrong outside of every scope; the next call throws it. */
  #stray: GPUError | undefined
  #staging: GPUBuffer | undefined

  private constructor(opened: OpenAdapter, device: GPUDevice, limits: WebgpuLimits) {
    this.name = opened.name
    this.isSoftware = opened.isSoftware
    this.limits = limits
    this.#gpu = opened.gpu
    this.#device = device
    this.#lost = device.lost.then(({ message }) => {
      this.#loss = lostError(opened.name, message)
      return this.#loss
    })
    const { signal } = this.#closing
    device.addEventListener(
      'uncapturederror',
      (event) => {
        event.preventDefault()
        this.#stray ??= (event as GPUUncapturedErrorEvent).error
      },
      { signal },
    )
  }

  /**
   * Takes the device of an adapter, with the largest buffers it allows; `limits` may cut work smaller than needed, and
   * `features` are what kernels need beside WebGPU itself.
   */
  static async open(
    opened: OpenAdapter,
    limits: Partial<WebgpuLimits> = {},
    features: readonly string[] = [],
  ): Promise<WebgpuDevice> {
    const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } =
      opened.adapter.limits
    const requiredLimits = {
      maxBufferSize,
      maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage,
    }
    const requiredFeatures = features as GPUFeatureName[]
    const device = await opened.adapter
      .requestDevice({ requiredLimits, requiredFeatures })
      .catch((cause) => {
        throw refusedError(opened.name, cause)
      })
    return new WebgpuDevice(opened, device, { ...webgpuLimits(requiredLimits), ...limits })
  }

  /** Whether WGSL has the product of four int8 pairs here. */
  get hasDp4a(): boolean {
    return this.#gpu.wgslLanguageFeatures.has('packed_4x8_integer_dot_product')
  }

  /**
   * Does work on the device, and waits until everything that could be wrong with it is known.
   * @throws GPU_LOST, GPU_MEMORY, GPU_INVALID (a mistake of ours), GPU_DRIVER, or what `work` throws
   */
  async call<T>(work: () => Promise<T>): Promise<T> {
    if (this.#loss) throw this.#loss
    for (const filter of FILTERS) this.#device.pushErrorScope(filter)
    const [done] = await Promise.allSettled([work()])
    const errors = await Promise.all(FILTERS.map(() => this.#device.popErrorScope()))
    const thrown = done.status === 'rejected' ? done.reason : undefined
    // A lost device abandons what waits for it, a bit before it says that it is lost.
    if (this.#loss || isAbort(thrown)) throw await this.#lost
    const scoped = errors.find((error) => error !== null)
    const stray = this.#stray
    this.#stray = undefined
    const error = scoped ?? stray ?? (isPipelineError(thrown) ? thrown : undefined)
    if (error) throw webgpuError(this.name, error)
    if (done.status === 'rejected') throw thrown
    return done.value
  }

  /** Memory that kernels read and write, zero at first; GPU_MEMORY when there is not enough. */
  async allocate(bytes: number): Promise<GPUBuffer> {
    this.#device.pushErrorScope('out-of-memory')
    const buffer = this.#create(bytes, STORAGE | COPY_SRC | COPY_DST)
    const cause = await this.#device.popErrorScope()
    if (cause === null) return buffer
    const held = [...this.#buffers].reduce((sum, { size }) => sum + size, -bytes)
    const text = `${this.name} has no ${inMiB(bytes)} MiB beside ${inMiB(held)} MiB in use here`
    const next = 'prove less memory, or close what else uses the GPU'
    throw new NodeError('GPU_MEMORY', text, { cause, next, bytes, held })
  }

  /** Gives back everything that was allocated. */
  releaseAll(): void {
    for (const buffer of this.#buffers) buffer.destroy()
    this.#buffers.clear()
  }

  /** Parameters of kernels, each `UNIFORM_STRIDE` after the one before; bound by `uniformAt`. */
  uniforms(values: readonly Uint32Array<ArrayBuffer>[]): GPUBuffer {
    const size = UNIFORM_STRIDE * values.length
    const buffer = this.#create(size, UNIFORM | COPY_DST)
    for (const [i, words] of values.entries()) this.write(buffer, words, i * UNIFORM_STRIDE)
    return buffer
  }

  /** Writes words before whatever is submitted next. */
  write(buffer: GPUBuffer, words: Uint32Array<ArrayBuffer>, at = 0): void {
    this.#device.queue.writeBuffer(buffer, at, words)
  }

  /** A kernel bound to buffers in order; each kernel is compiled once. */
  async job(
    kernel: Kernel,
    buffers: readonly Binding[],
    workgroups: readonly [number, number],
  ): Promise<Job> {
    const pipeline = await this.#pipeline(kernel)
    const entries = buffers.map((resource, binding) => ({
      binding,
      resource: 'buffer' in resource ? resource : { buffer: resource },
    }))
    const layout = pipeline.getBindGroupLayout(0)
    const bindings = this.#device.createBindGroup({ label: kernel.label, layout, entries })
    return { pipeline, bindings, workgroups }
  }

  /** Hands jobs to the device, which does them in order. */
  submit(jobs: readonly Job[]): void {
    const encoder = this.#device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    for (const { pipeline, bindings, workgroups } of jobs) {
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, bindings)
      pass.dispatchWorkgroups(...workgroups)
    }
    pass.end()
    this.#device.queue.submit([encoder.finish()])
  }

  /** Waits until everything submitted is done. */
  async finish(): Promise<void> {
    await this.#device.queue.onSubmittedWorkDone()
  }

  /** Copies pieces of buffers, one after the other, once everything submitted is done. */
  async read(pieces: readonly Piece[]): Promise<Bytes> {
    const total = pieces.reduce((sum, { bytes }) => sum + bytes, 0)
    if (total === 0) return new Uint8Array(0)
    const staging = this.#stagingOf(total)
    const encoder = this.#device.createCommandEncoder()
    let to = 0
    for (const { buffer, at, bytes } of pieces) {
      encoder.copyBufferToBuffer(buffer, at, staging, to, bytes)
      to += bytes
    }
    this.#device.queue.submit([encoder.finish()])
    await staging.mapAsync(MAP_READ, 0, total)
    const copy = new Uint8Array(staging.getMappedRange(0, total)).slice()
    staging.unmap()
    return copy
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#device.destroy()
    await this.#lost
    this.#closing.abort()
  }

  #create(size: number, usage: number): GPUBuffer {
    const buffer = this.#device.createBuffer({ size, usage })
    this.#buffers.add(buffer)
    return buffer
  }

  /** One buffer for all reads, which grows: steps make none. */
  #stagingOf(bytes: number): GPUBuffer {
    if (this.#staging === undefined || this.#staging.size < bytes) {
      this.#staging?.destroy()
      const size = 2 ** Math.ceil(Math.log2(bytes))
      this.#staging = this.#device.createBuffer({ size, usage: MAP_READ | COPY_DST })
    }
    return this.#staging
  }

  #pipeline({ label, code }: Kernel): Promise<GPUComputePipeline> {
    let made = this.#pipelines.get(code)
    if (made === undefined) {
      const module = this.#device.createShaderModule({ label, code })
      const compute = { module, entryPoint: 'main' }
      made = this.#device.createComputePipelineAsync({ label, layout: 'auto', compute })
      this.#pipelines.set(code, made)
    }
    return made
  }
}

const inMiB = (bytes: number): string => (bytes / MiB).toFixed(1)

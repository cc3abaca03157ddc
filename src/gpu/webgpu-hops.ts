import type { Bytes } from './hash.ts'
import { PAGE_BYTES } from './kernels.ts'
import { STATE_BYTES } from './locality-proof.ts'
import type { WebgpuDevice } from './webgpu-device.ts'
import { type Job, uniformAt } from './webgpu-job.ts'
import { hopsKernel } from './wgsl/hops.ts'

/** The state of a chain and the hops left, as they lie in memory; WGSL rounds the size of such a struct to 32 B. */
const CHAIN_BYTES = 32
/** Rounds over all groups between two looks at the chain; each takes it at least to another group, mostly two. */
const ROUNDS = 64

/**
 * A locality chain over the buffers of a fill (locality-proof.ts). A kernel can bind a few buffers only, so they form
 * groups, which get their turns until no hop is left: a fill of many groups shows its dispatches, not its memory.
 */
export class WebgpuHops {
  readonly #device: WebgpuDevice
  readonly #pages: number
  readonly #partPages: number
  readonly #constants: GPUBuffer
  readonly #chain: GPUBuffer
  readonly #groups: readonly Job[]

  private constructor(
    device: WebgpuDevice,
    [pages, partPages]: readonly [number, number],
    [constants, chain]: readonly [GPUBuffer, GPUBuffer],
    groups: readonly Job[],
  ) {
    this.#device = device
    this.#pages = pages
    this.#partPages = partPages
    this.#constants = constants
    this.#chain = chain
    this.#groups = groups
  }

  /** Over the buffers of a fill in order, all but the last of one size. */
  static async create(device: WebgpuDevice, parts: readonly GPUBuffer[]): Promise<WebgpuHops> {
    const partPages = parts[0]!.size / PAGE_BYTES
    const pages = parts.reduce((sum, { size }) => sum + size / PAGE_BYTES, 0)
    const constants = device.uniforms([new Uint32Array(8)])
    const chain = await device.allocate(CHAIN_BYTES)
    const most = device.limits.storageBuffers - 1 // one is the chain
    const starts = Array.from({ length: Math.ceil(parts.length / most) }, (_, i) => i * most)
    const firstParts = device.uniforms(starts.map((start) => Uint32Array.of(start)))
    const groups = await Promise.all(
      starts.map((start, i) => {
        const bound = parts.slice(start, start + most)
        const buffers = [constants, uniformAt(firstParts, i), chain, ...bound]
        return device.job(hopsKernel(bound.length), buffers, [1, 1])
      }),
    )
    return new WebgpuHops(device, [pages, partPages], [constants, chain], groups)
  }

  /** One job of each kernel; on a chain without hops they do nothing. */
  get samples(): readonly Job[] {
    return [this.#groups[0]!, this.#groups.at(-1)!]
  }

  /** The state `count` hops after `state`, in pieces: between them the driver may do other work. */
  async walk(state: Bytes, key: Bytes, count: number): Promise<Bytes> {
    const device = this.#device
    const most = device.limits.hopsPerDispatch
    device.write(this.#constants, Uint32Array.of(...words(key), this.#pages, this.#partPages))
    let reached = state
    for (let left = count; left > 0; left -= most) {
      device.write(this.#chain, Uint32Array.of(...words(reached), Math.min(most, left)))
      reached = await this.#piece()
    }
    return reached
  }

  /** Goes on until the hops that were written are made. */
  async #piece(): Promise<Bytes> {
    const rounds = this.#groups.length === 1 ? 1 : ROUNDS
    const jobs = Array.from({ length: rounds }, () => this.#groups).flat()
    for (;;) {
      this.#device.submit(jobs)
      const read = await this.#device.read([{ buffer: this.#chain, at: 0, bytes: CHAIN_BYTES }])
      const left = new Uint32Array(read.buffer, STATE_BYTES, 1)[0]
      if (left === 0) return read.slice(0, STATE_BYTES)
    }
  }
}

/** Four words; every platform that Dawn is built for is little-endian. */
const words = (bytes: Bytes): Uint32Array => new Uint32Array(Uint8Array.from(bytes).buffer)

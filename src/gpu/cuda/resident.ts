import { concat } from '../../bytes.ts'
import { NodeError } from '../../errors.ts'
import type { Bytes } from '../hash.ts'
import { PAGE_BYTES } from '../kernels.ts'
import { STATE_BYTES } from '../locality-proof.ts'
import type { OpenedLeaves } from '../residency-proof.ts'
import { DOMAIN_FILL, FILL_UNIT_BYTES, LEAF_BYTES, passDepth } from '../resident-fill.ts'
import {
  type CudaDevice,
  type KernelArgument,
  keyArgument,
  u32,
  u64,
  vectorArgument,
} from './device.ts'
import type { Handle } from './driver.ts'
import { DeviceTree } from './tree.ts'

/** A block of the fill. */
const BLOCK_BYTES = 64
/** 1 GiB at a time, so that no kernel runs for so long that a display driver would end it. */
const BLOCKS_AT_ONCE = 2 ** 30 / BLOCK_BYTES
/** Hops of one launch: a display driver would end a kernel that runs for seconds, and a hop takes up to a few µs. */
const HOPS_AT_ONCE = 2 ** 18
const THREADS = 256
/** Blocks of threads per multiprocessor: as many as fit (2048 threads). */
const FULL = 8

/** A resident fill of one device, with the digests and the tree of its last pass (resident-fill.ts). */
export class CudaFill {
  readonly #device: CudaDevice
  readonly #stream: Handle
  readonly #bytes: number
  readonly #tree: DeviceTree
  readonly #memory: Handle[] = []
  readonly #events: Handle[] = []
  #state: 'empty' | 'filled' | 'passed' = 'empty'

  /** Allocates `bytes`, a multiple of FILL_UNIT_BYTES, and 1/500 more; GPU_OUT_OF_MEMORY when that does not fit. */
  constructor(device: CudaDevice, stream: Handle, bytes: number) {
    if (!Number.isSafeInteger(bytes) || bytes < FILL_UNIT_BYTES || bytes % FILL_UNIT_BYTES !== 0) {
      throw new RangeError(`a fill is a multiple of ${FILL_UNIT_BYTES} bytes, not ${bytes}`)
    }
    this.#device = device
    this.#stream = stream
    this.#bytes = bytes
    this.#tree = new DeviceTree(device, 2 ** passDepth(bytes))
    try {
      this.#memory.push(device.allocate(bytes))
      this.#memory.push(device.allocate((bytes / PAGE_BYTES) * 8))
      this.#memory.push(device.allocate(STATE_BYTES))
      this.#events.push(device.event())
    } catch (error) {
      this.release()
      throw error
    }
  }

  /** Runs each kernel once over next to nothing, so that the driver has loaded them. */
  async warmUp(): Promise<void> {
    const zero = keyArgument(new Uint8Array(32))
    this.#queueFill(zero, 0, PAGE_BYTES / BLOCK_BYTES, 1)
    this.#queueDigests(zero, 1)
    this.#queueHops(new Uint8Array(STATE_BYTES), new Uint8Array(STATE_BYTES), 1)
    await this.#done()
  }

  async fill(seed: Bytes, iterations: number): Promise<void> {
    const key = keyArgument(seed)
    this.#state = 'empty'
    const blocks = this.#bytes / BLOCK_BYTES
    for (let first = 0; first < blocks; first += BLOCKS_AT_ONCE) {
      this.#queueFill(key, first, Math.min(BLOCKS_AT_ONCE, blocks - first), iterations)
    }
    await this.#done()
    this.#state = 'filled'
  }

  /** GPU_NOT_STARTED before a fill. */
  async pass(key: Bytes): Promise<Bytes> {
    if (this.#state === 'empty') throw new NodeError('GPU_NOT_STARTED', 'nothing was filled')
    this.#state = 'filled'
    this.#queueDigests(keyArgument(key), this.#bytes / PAGE_BYTES)
    this.#tree.hash(this.#stream, this.#memory[1]!, LEAF_BYTES, this.#bytes / FILL_UNIT_BYTES)
    await this.#done()
    this.#state = 'passed'
    return this.#tree.root()
  }

  /** The state of a locality chain `count` hops after `state`; GPU_NOT_STARTED before a fill. */
  async hops(state: Bytes, key: Bytes, count: number): Promise<Bytes> {
    if (this.#state === 'empty') throw new NodeError('GPU_NOT_STARTED', 'nothing was filled')
    let reached = state
    for (let left = count; left > 0; left -= HOPS_AT_ONCE) {
      this.#queueHops(reached, key, Math.min(HOPS_AT_ONCE, left))
      await this.#done()
      reached = this.#device.read(this.#memory[2]!, STATE_BYTES)
    }
    return reached
  }

  /** GPU_NOT_STARTED before a pass, RangeError for a leaf that is not there. */
  openLeaves(leaves: readonly number[]): OpenedLeaves {
    if (this.#state !== 'passed') throw new NodeError('GPU_NOT_STARTED', 'no pass was made')
    const count = this.#bytes / FILL_UNIT_BYTES
    for (const leaf of leaves) {
      if (!Number.isInteger(leaf) || leaf < 0 || leaf >= count) {
        throw new RangeError(`no leaf ${leaf} among ${count}`)
      }
    }
    const digests = this.#memory[1]!
    const width = 2 ** passDepth(this.#bytes)
    return {
      leaves: concat(leaves.map((i) => this.#device.read(digests + i * LEAF_BYTES, LEAF_BYTES))),
      paths: concat(leaves.map((i) => this.#tree.path(width, i))),
    }
  }

  /** Gives all memory back; its stream must be idle. */
  release(): void {
    this.#state = 'empty'
    this.#tree.release()
    this.#device.release({ events: this.#events, memory: this.#memory })
  }

  #queueFill(key: KernelArgument, first: number, count: number, iterations: number): void {
    const out = this.#memory[0]! + first * BLOCK_BYTES
    const args = [u64(out), key, u64(first), u64(count), u32(DOMAIN_FILL), u32(iterations)]
    this.#device.launch(this.#stream, 'slow_fill', this.#blocks(count / THREADS), THREADS, args)
  }

  #queueDigests(key: KernelArgument, pages: number): void {
    const args = [u64(this.#memory[0]!), key, u64(pages), u64(this.#memory[1]!)]
    const blocks = this.#blocks(pages / (THREADS / 32)) // a warp takes a page
    this.#device.launch(this.#stream, 'digest_pages', blocks, THREADS, args)
  }

  #queueHops(state: Bytes, key: Bytes, count: number): void {
    const [fill, , out] = this.#memory
    const [from, under] = [vectorArgument(state), vectorArgument(key)]
    const [pages, hops] = [u32(this.#bytes / PAGE_BYTES), u32(count)]
    const args = [u64(fill!), from, under, pages, hops, u64(out!)]
    this.#device.launch(this.#stream, 'hops', 1, 1, args)
  }

  #blocks(wanted: number): number {
    return Math.min(Math.ceil(wanted), FULL * this.#device.facts.multiprocessors)
  }

  #done(): Promise<void> {
    this.#device.record(this.#events[0]!, this.#stream)
    return this.#device.wait(this.#events[0]!)
  }
}

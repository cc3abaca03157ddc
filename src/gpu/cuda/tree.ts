import { concat } from '../../bytes.ts'
import type { Bytes } from '../hash.ts'
import { type CudaDevice, u32, u64 } from './device.ts'
import type { Handle } from './driver.ts'

/** Bytes of a hash. */
const HASH_BYTES = 32
/** Threads of a block of both kernels; hash_levels climbs over twice as many nodes in a block. */
const THREADS = 128
const LEVELS_AT_ONCE = Math.log2(2 * THREADS)

/**
 * A Merkle tree in device memory (merkle.cuh): node 1 is the root, node i has the children 2·i and 2·i + 1. Only what
 * is asked for is copied back.
 */
export class DeviceTree {
  readonly #device: CudaDevice
  readonly #leaves: number
  readonly #memory: Handle[]

  /** For `leaves` leaves, a power of two. */
  constructor(device: CudaDevice, leaves: number) {
    this.#device = device
    this.#leaves = leaves
    this.#memory = [device.allocate(2 * leaves * HASH_BYTES)]
  }

  /** Queues hashing `count` pieces that lie one after the other, each a multiple of 64 B; further leaves are zero hashes. */
  hash(stream: Handle, data: Handle, pieceBytes: number, count: number): void {
    const device = this.#device
    const tree = u64(this.#memory[0]!)
    const leaves = this.#leaves
    const pieces = [u64(data), u32(pieceBytes / 64), u32(count), u32(leaves), tree]
    device.launch(stream, 'hash_leaves', Math.ceil(leaves / THREADS), THREADS, pieces)
    for (let width = leaves; width > 1; width = Math.max(1, width >> LEVELS_AT_ONCE)) {
      const levels = Math.min(LEVELS_AT_ONCE, Math.log2(width))
      const blocks = Math.ceil(width / (2 * THREADS))
      device.launch(stream, 'hash_levels', blocks, THREADS, [tree, u32(width), u32(levels)])
    }
  }

  /** The root, once the hashing is done. */
  root(): Bytes {
    return this.#node(1)
  }

  /** The siblings from a node, given by its place in a level of `width` nodes, up to the root. */
  path(width: number, place: number): Bytes {
    const siblings: Bytes[] = []
    for (let node = width + place; node > 1; node >>= 1) siblings.push(this.#node(node ^ 1))
    return concat(siblings)
  }

  /** Gives the memory back; nothing may use it any more. */
  release(): void {
    this.#device.release({ memory: this.#memory })
  }

  #node(index: number): Bytes {
    return this.#device.read(this.#memory[0]! + index * HASH_BYTES, HASH_BYTES)
  }
}

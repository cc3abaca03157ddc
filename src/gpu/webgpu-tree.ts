import type { WebgpuDevice } from './webgpu-device.ts'
import { type Job, listWorkgroups, type Piece, uniformAt } from './webgpu-job.ts'
import { leafKernel, nodeKernel } from './wgsl/merkle.ts'

const HASH_BYTES = 32

/** A whole buffer of data that leaves are made of; the next one's leaves follow. */
export interface LeafData {
  readonly buffer: GPUBuffer
  readonly leaves: number
}

/**
 * A Merkle tree in the device's memory, in heap order (wgsl/merkle.ts): the root at 1, `leaves` leaves from `leaves` on.
 * Leaves that no data is given for are zero hashes.
 */
export class WebgpuTree {
  /** For each source: hashes everything from its data up to the root. */
  readonly jobs: readonly (readonly Job[])[]
  readonly #tree: GPUBuffer
  readonly #leaves: number

  private constructor(tree: GPUBuffer, leaves: number, jobs: Job[][]) {
    this.#tree = tree
    this.#leaves = leaves
    this.jobs = jobs
  }

  /**
   * A tree of `leaves` (a power of two) over `leafBytes` each, a multiple of 64. Each of `sources` is another choice of
   * data for the same tree.
   */
  static async create(
    device: WebgpuDevice,
    leaves: number,
    leafBytes: number,
    sources: readonly (readonly LeafData[])[],
  ): Promise<WebgpuTree> {
    const tree = await device.allocate(2 * leaves * HASH_BYTES)
    const parts = sources[0]!.map((part, i, all) => ({
      first: all.slice(0, i).reduce((sum, before) => sum + before.leaves, leaves),
      count: part.leaves,
    }))
    const levels = Array.from({ length: Math.log2(leaves) }, (_, depth) => {
      const count = leaves / 2 ** (depth + 1)
      return { first: count, count }
    })
    const vectors = leafBytes / 16
    const spans = [...parts, ...levels]
    const uniforms = device.uniforms(
      spans.map(({ first, count }) => Uint32Array.of(first, count, vectors)),
    )
    const leafJob = ({ buffer, leaves: count }: LeafData, i: number): Promise<Job> =>
      device.job(leafKernel, [uniformAt(uniforms, i), buffer, tree], listWorkgroups(count))
    const nodes = await Promise.all(
      levels.map(({ count }, i) =>
        device.job(
          nodeKernel,
          [uniformAt(uniforms, parts.length + i), tree],
          listWorkgroups(count),
        ),
      ),
    )
    const jobs = await Promise.all(
      sources.map(async (source) => [...(await Promise.all(source.map(leafJob))), ...nodes]),
    )
    return new WebgpuTree(tree, leaves, jobs)
  }

  /** Where the root is. */
  root(): Piece {
    return this.#node(1)
  }

  /** The siblings from node `index` of the level with `width` nodes up to the root. */
  path(index: number, width = this.#leaves): Piece[] {
    const siblings: Piece[] = []
    for (let node = width + index; node > 1; node >>>= 1) siblings.push(this.#node(node ^ 1))
    return siblings
  }

  #node(node: number): Piece {
    return { buffer: this.#tree, at: node * HASH_BYTES, bytes: HASH_BYTES }
  }
}

import type { Bytes } from './hash.ts'
import { PAGE_BYTES } from './kernels.ts'
import type { OpenedLeaves } from './residency-proof.ts'
import { FILL_UNIT_BYTES, LEAF_BYTES, passDepth } from './resident-fill.ts'
import type { WebgpuDevice } from './webgpu-device.ts'
import { WebgpuHops } from './webgpu-hops.ts'
import { type Job, keyWords, listWorkgroups, uniformAt } from './webgpu-job.ts'
import { cut, shardSizes } from './webgpu-limits.ts'
import { WebgpuTree } from './webgpu-tree.ts'
import { digestKernel } from './wgsl/digest.ts'
import { fillKernel } from './wgsl/fill.ts'

const BLOCK_BYTES = 64

/** What one dispatch of the fill is told: the key, the number of its first block (64 bits), the iterations. */
export const fillParameters = (seed: Bytes, firstBlock: number, iterations: number) =>
  Uint32Array.of(...keyWords(seed), firstBlock >>> 0, Math.floor(firstBlock / 2 ** 32), iterations)

/** One buffer of the fill, and the digests of its pages. */
interface Shard {
  readonly words: GPUBuffer
  readonly digests: GPUBuffer
  readonly leaves: number
  readonly firstPage: number
}

/** A resident fill in the device's memory, spread over as many buffers as its limits ask for. */
export class WebgpuFill {
  readonly #device: WebgpuDevice
  readonly #shards: readonly Shard[]
  readonly #tree: WebgpuTree
  readonly #key: GPUBuffer
  readonly #parameters: GPUBuffer
  readonly #fillJobs: readonly { readonly job: Job; readonly firstBlock: number }[]
  readonly #digestJobs: readonly Job[]
  readonly #hops: WebgpuHops

  private constructor(
    device: WebgpuDevice,
    shards: readonly Shard[],
    tree: WebgpuTree,
    [key, parameters]: readonly [GPUBuffer, GPUBuffer],
    [fillJobs, digestJobs]: readonly [{ job: Job; firstBlock: number }[], Job[]],
    hops: WebgpuHops,
  ) {
    this.#device = device
    this.#shards = shards
    this.#tree = tree
    this.#key = key
    this.#parameters = parameters
    this.#fillJobs = fillJobs
    this.#digestJobs = digestJobs
    this.#hops = hops
  }

  /** Allocates `bytes`, a multiple of FILL_UNIT_BYTES, and compiles. */
  static async create(device: WebgpuDevice, bytes: number): Promise<WebgpuFill> {
    const shards = await allocateShards(device, bytes)
    const tree = await WebgpuTree.create(device, 2 ** passDepth(bytes), LEAF_BYTES, [
      shards.map(({ digests, leaves }) => ({ buffer: digests, leaves })),
    ])
    const key = device.uniforms([new Uint32Array(8)])
    const parameters = device.uniforms([new Uint32Array(12)])
    const jobs = [
      await fillJobs(device, parameters, shards),
      await digestJobs(device, key, shards),
    ] as const
    const hops = await WebgpuHops.create(
      device,
      shards.map(({ words }) => words),
    )
    return new WebgpuFill(device, shards, tree, [key, parameters], jobs, hops)
  }

  /** One job of each kernel. */
  get samples(): readonly Job[] {
    const memory = [this.#fillJobs[0]!.job, this.#digestJobs[0]!, ...this.#tree.jobs[0]!]
    return [...memory, ...this.#hops.samples]
  }

  /** Fills everything from a seed, in pieces: between them the driver may do other work. */
  async fill(seed: Bytes, iterations: number): Promise<void> {
    for (const { job, firstBlock } of this.#fillJobs) {
      this.#device.write(this.#parameters, fillParameters(seed, firstBlock, iterations))
      this.#device.submit([job])
      await this.#device.finish()
    }
  }

  /** The root of one pass under a key. */
  async pass(key: Bytes): Promise<Bytes> {
    this.#device.write(this.#key, keyWords(key))
    this.#device.submit([...this.#digestJobs, ...this.#tree.jobs[0]!])
    return this.#device.read([this.#tree.root()])
  }

  /** The state of a locality chain `count` hops after `state`. */
  hops(state: Bytes, key: Bytes, count: number): Promise<Bytes> {
    return this.#hops.walk(state, key, count)
  }

  /** Leaves of the last pass, with their paths. */
  async openLeaves(leaves: readonly number[]): Promise<OpenedLeaves> {
    const perShard = this.#shards[0]!.leaves
    const data = leaves.map((leaf) => ({
      buffer: this.#shards[Math.floor(leaf / perShard)]!.digests,
      at: (leaf % perShard) * LEAF_BYTES,
      bytes: LEAF_BYTES,
    }))
    const paths = leaves.flatMap((leaf) => this.#tree.path(leaf))
    const read = await this.#device.read([...data, ...paths])
    const end = leaves.length * LEAF_BYTES
    return { leaves: read.slice(0, end), paths: read.slice(end) }
  }
}

async function allocateShards(device: WebgpuDevice, bytes: number): Promise<Shard[]> {
  const shards: Shard[] = []
  let firstPage = 0
  for (const size of shardSizes(bytes, device.limits)) {
    const leaves = size / FILL_UNIT_BYTES
    const words = await device.allocate(size)
    const digests = await device.allocate(leaves * LEAF_BYTES)
    shards.push({ words, digests, leaves, firstPage })
    firstPage += size / PAGE_BYTES
  }
  return shards
}

/** A job per piece that one dispatch fills. */
function fillJobs(device: WebgpuDevice, parameters: GPUBuffer, shards: readonly Shard[]) {
  const most = device.limits.fillBytesPerDispatch
  const pieces = shards.flatMap(({ words, firstPage }) =>
    cut(words.size, most).map((size, i) => ({ buffer: words, offset: i * most, size, firstPage })),
  )
  return Promise.all(
    pieces.map(async ({ firstPage, ...piece }) => ({
      firstBlock: (firstPage * PAGE_BYTES + piece.offset) / BLOCK_BYTES,
      job: await device.job(
        fillKernel,
        [parameters, piece],
        listWorkgroups(piece.size / BLOCK_BYTES),
      ),
    })),
  )
}

/** A job per shard, a workgroup per page. */
function digestJobs(device: WebgpuDevice, key: GPUBuffer, shards: readonly Shard[]) {
  const firstPages = device.uniforms(shards.map(({ firstPage }) => Uint32Array.of(firstPage)))
  return Promise.all(
    shards.map(({ words, digests }, i) => {
      const buffers = [key, uniformAt(firstPages, i), words, digests]
      return device.job(digestKernel, buffers, listWorkgroups(words.size / PAGE_BYTES, 1))
    }),
  )
}

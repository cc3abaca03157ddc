import type { OpenedRows } from './backend.ts'
import { DOMAIN_C, DOMAIN_X } from './gemm-chain.ts'
import type { Bytes } from './hash.ts'
import type { WebgpuDevice } from './webgpu-device.ts'
import { type Job, keyWords, listWorkgroups } from './webgpu-job.ts'
import { rowsPerDispatch } from './webgpu-limits.ts'
import { WebgpuTree } from './webgpu-tree.ts'
import type { Gemm } from './wgsl/gemm.ts'
import { rowsKernel } from './wgsl/rows.ts'

/** A longer row is hashed as a tree over chunks of this size, bytes (gemm-chain.ts). */
const CHUNK_BYTES = 1024

/** What the row kernel is told. */
const streamOf = (seed: Bytes, domain: number, step: number, n: number) =>
  Uint32Array.of(...keyWords(seed), domain, step, n / 64)

/** What is done for a step that reads X from the one or the other of two matrices. */
interface StepJobs {
  readonly product: readonly Job[]
  readonly hash: readonly Job[]
}

/** The GEMM chain in the device's memory: three matrices of n² bytes and a tree of 2·n²/16 bytes at most, no history. */
export class WebgpuChain {
  readonly #device: WebgpuDevice
  readonly #n: number
  readonly #x: readonly GPUBuffer[]
  readonly #tree: WebgpuTree
  readonly #stream: GPUBuffer
  readonly #rowsOfC: Job
  readonly #rowsOfX: Job
  readonly #steps: readonly StepJobs[]
  #seed: Bytes | undefined
  #step = 0

  private constructor(
    device: WebgpuDevice,
    n: number,
    x: readonly GPUBuffer[],
    tree: WebgpuTree,
    stream: GPUBuffer,
    jobs: { rowsOfC: Job; rowsOfX: Job; steps: StepJobs[] },
  ) {
    this.#device = device
    this.#n = n
    this.#x = x
    this.#tree = tree
    this.#stream = stream
    this.#rowsOfC = jobs.rowsOfC
    this.#rowsOfX = jobs.rowsOfX
    this.#steps = jobs.steps
  }

  /** Allocates for matrices of n×n and compiles. */
  static async create(device: WebgpuDevice, n: number, gemm: Gemm): Promise<WebgpuChain> {
    const c = await device.allocate(n * n)
    const x = [await device.allocate(n * n), await device.allocate(n * n)] as const
    const leafBytes = Math.min(n, CHUNK_BYTES)
    const leaves = (n * n) / leafBytes
    // The tree hangs over what a step made: over the second matrix after the first step, and so on.
    const tree = await WebgpuTree.create(device, leaves, leafBytes, [
      [{ buffer: x[1], leaves }],
      [{ buffer: x[0], leaves }],
    ])
    const parameters = device.uniforms([new Uint32Array(12)])
    const rows = (to: GPUBuffer): Promise<Job> =>
      device.job(rowsKernel, [parameters, to], listWorkgroups((n * n) / 64))
    const steps = [
      { product: await productJobs(device, n, gemm, [c, x[0], x[1]]), hash: tree.jobs[0]! },
      { product: await productJobs(device, n, gemm, [c, x[1], x[0]]), hash: tree.jobs[1]! },
    ]
    const jobs = { rowsOfC: await rows(c), rowsOfX: await rows(x[0]), steps }
    return new WebgpuChain(device, n, x, tree, parameters, jobs)
  }

  /** One job of each kernel. */
  get samples(): readonly Job[] {
    const { product, hash } = this.#steps[0]!
    return [this.#rowsOfC, product[0]!, ...hash]
  }

  /** Steps done since the start. */
  get step(): number {
    return this.#step
  }

  /** Whether there is a chain to step along. */
  get started(): boolean {
    return this.#seed !== undefined
  }

  /** Makes X_0. */
  async start(seed: Bytes): Promise<void> {
    this.#seed = Uint8Array.from(seed)
    this.#step = 0
    this.#device.write(this.#stream, streamOf(seed, DOMAIN_X, 0, this.#n))
    this.#device.submit([this.#rowsOfX])
    await this.#device.finish()
  }

  /** The next step of a started chain: the root of what it makes. */
  async next(): Promise<Bytes> {
    const { product, hash } = this.#steps[this.#step % 2]!
    this.#device.write(this.#stream, streamOf(this.#seed!, DOMAIN_C, this.#step, this.#n))
    this.#device.submit([this.#rowsOfC])
    // Each band by itself, so that the driver may do other work in between.
    for (const band of product) this.#device.submit([band])
    this.#device.submit(hash)
    const root = await this.#device.read([this.#tree.root()])
    this.#step += 1
    return root
  }

  /** Rows of what the last step made, with their paths. */
  async openRows(rows: readonly number[]): Promise<OpenedRows> {
    const n = this.#n
    const buffer = this.#x[this.#step % 2]!
    const data = rows.map((row) => ({ buffer, at: row * n, bytes: n }))
    const paths = rows.flatMap((row) => this.#tree.path(row, n))
    const read = await this.#device.read([...data, ...paths])
    const end = rows.length * n
    return { rows: read.slice(0, end), paths: read.slice(end) }
  }
}

/** The product in bands of rows. */
function productJobs(
  device: WebgpuDevice,
  n: number,
  { kernel, tile }: Gemm,
  [c, x, result]: readonly [GPUBuffer, GPUBuffer, GPUBuffer],
): Promise<Job[]> {
  const rows = rowsPerDispatch(n, device.limits)
  const vectors = device.uniforms([Uint32Array.of(n / 16)])
  const band = (buffer: GPUBuffer, i: number) => ({ buffer, offset: i * rows * n, size: rows * n })
  return Promise.all(
    Array.from({ length: n / rows }, (_, i) =>
      device.job(kernel, [vectors, band(c, i), x, band(result, i)], [n / tile, rows / tile]),
    ),
  )
}

import { concat } from '../../bytes.ts'
import { NodeError } from '../../errors.ts'
import type { OpenedRows } from '../backend.ts'
import { DOMAIN_C, DOMAIN_X } from '../gemm-chain.ts'
import type { Bytes } from '../hash.ts'
import { type CudaDevice, type KernelArgument, keyArgument } from './device.ts'
import type { Handle } from './driver.ts'
import { fasterGemm, type GemmKernel, isGemmSize, queueGemm, queueRows } from './gemm.ts'
import { DeviceTree } from './tree.ts'

/** A row longer than this is hashed as a tree over chunks of this size (hashRow in gemm-chain.ts). */
const CHUNK_BYTES = 1024
/** The smallest that the kernels can. */
const SMALL_N = 256

/**
 * The GEMM chain on one device: three matrices and a tree, no history.
 *
 * Products and hashing overlap. While a second, more urgent stream hashes X_{t+1}, the first already makes X_{t+2} into
 * the memory of X_t: hashing works the integer units, products the tensor cores. So one product is always under way
 * when a step is handed over, and the last of a run is made for nothing. A chain that shall rest between its steps makes
 * nothing ahead.
 */
export class CudaChain {
  readonly #device: CudaDevice
  readonly #n: number
  readonly #stream: Handle
  readonly #hashStream: Handle
  readonly #events: Handle[] = []
  readonly #memory: Handle[] = []
  readonly #tree: DeviceTree
  #gemm: GemmKernel = 'gemm_warp64'
  #key: KernelArgument | undefined
  /** Whether the next product is queued before its step is asked for. */
  #ahead = true
  /** Steps whose product was queued. */
  #queued = 0
  /** The matrix that the last step handed over. */
  #handed: Handle | undefined

  /** Allocates 3·n² B and a tree; RangeError when the kernels cannot do n, GPU_OUT_OF_MEMORY when it does not fit. */
  constructor(
    device: CudaDevice,
    streams: { readonly stream: Handle; readonly hashStream: Handle },
    n: number,
  ) {
    if (!isGemmSize(n)) throw new RangeError(`n is a power of two from 256 to 32768, not ${n}`)
    this.#device = device
    this.#stream = streams.stream
    this.#hashStream = streams.hashStream
    this.#n = n
    this.#tree = new DeviceTree(device, n * Math.max(1, n / CHUNK_BYTES))
    try {
      while (this.#memory.length < 3) this.#memory.push(device.allocate(n * n))
      while (this.#events.length < 2) this.#events.push(device.event())
    } catch (error) {
      this.release()
      throw error
    }
  }

  /** Runs every kernel once, over little, so that the driver has loaded them; and finds the faster product. */
  async warmUp(): Promise<void> {
    const [device, stream] = [this.#device, this.#stream]
    const matrices = this.#memory as [Handle, Handle, Handle]
    queueRows(device, stream, matrices[0], keyArgument(new Uint8Array(32)), SMALL_N, DOMAIN_C, 0)
    for (const kernel of ['gemm_warp32', 'gemm_warp64'] as const) {
      queueGemm(device, stream, kernel, matrices, SMALL_N)
    }
    device.record(this.#made, stream)
    this.#hash(matrices[2])
    await device.wait(this.#hashed)
    this.#gemm = await fasterGemm(device, stream, matrices, this.#n)
  }

  /** Queues X_0 and, unless nothing shall be made ahead, the first product. */
  start(seed: Bytes, { ahead }: { readonly ahead: boolean } = { ahead: true }): void {
    this.#handed = undefined
    this.#ahead = ahead
    this.#queued = 0
    this.#key = undefined // until all is queued
    const key = keyArgument(seed)
    const { matrix } = this.#matrices(0)
    queueRows(this.#device, this.#stream, matrix, key, this.#n, DOMAIN_X, 0)
    if (ahead) this.#queueProduct(key, 0)
    this.#key = key
  }

  /** The root of the next matrix; GPU_NOT_STARTED before a start, or after a step that failed. */
  async step(): Promise<Bytes> {
    const key = this.#key
    if (key === undefined) throw new NodeError('GPU_NOT_STARTED', 'no chain was started')
    this.#key = undefined // until this step is done
    this.#handed = undefined
    if (!this.#ahead) this.#queueProduct(key, this.#queued)
    const made = this.#matrices(this.#queued).matrix
    this.#hash(made)
    if (this.#ahead) this.#queueProduct(key, this.#queued)
    await this.#device.wait(this.#hashed)
    const root = this.#tree.root()
    this.#handed = made
    this.#key = key
    return root
  }

  /** Rows of the matrix that the last step made; GPU_NOT_STARTED before a step, RangeError for a row that is not there. */
  openRows(rows: readonly number[]): OpenedRows {
    const matrix = this.#handed
    if (matrix === undefined) throw new NodeError('GPU_NOT_STARTED', 'no step was made')
    const n = this.#n
    for (const row of rows) {
      if (!Number.isInteger(row) || row < 0 || row >= n) throw new RangeError(`no row ${row}`)
    }
    return {
      rows: concat(rows.map((row) => this.#device.read(matrix + row * n, n))),
      paths: concat(rows.map((row) => this.#tree.path(n, row))),
    }
  }

  /** Gives all memory back; its streams must be idle. */
  release(): void {
    this.#key = undefined
    this.#handed = undefined
    this.#tree.release()
    this.#device.release({ events: this.#events, memory: this.#memory })
  }

  get #made(): Handle {
    return this.#events[0]!
  }

  get #hashed(): Handle {
    return this.#events[1]!
  }

  /** Where X_step lies, and where the next goes. */
  #matrices(step: number): { matrix: Handle; next: Handle } {
    const [, even, odd] = this.#memory as [Handle, Handle, Handle]
    return step % 2 === 0 ? { matrix: even, next: odd } : { matrix: odd, next: even }
  }

  /** Queues X_{step+1} = q(C_step · X_stepᵀ). */
  #queueProduct(key: KernelArgument, step: number): void {
    const c = this.#memory[0]!
    const { matrix, next } = this.#matrices(step)
    queueRows(this.#device, this.#stream, c, key, this.#n, DOMAIN_C, step)
    queueGemm(this.#device, this.#stream, this.#gemm, [c, matrix, next], this.#n)
    this.#device.record(this.#made, this.#stream)
    this.#queued = step + 1
  }

  /** Queues the tree over a matrix behind its product: over chunks, whose trees are the rows', or over short rows. */
  #hash(matrix: Handle): void {
    const pieceBytes = Math.min(CHUNK_BYTES, this.#n)
    this.#device.follow(this.#hashStream, this.#made)
    this.#tree.hash(this.#hashStream, matrix, pieceBytes, this.#n ** 2 / pieceBytes)
    this.#device.record(this.#hashed, this.#hashStream)
  }
}

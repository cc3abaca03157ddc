/** What fits a WebGPU device, and how work is cut to fit. Pure. */
import { NodeError } from '../errors.ts'
import { MiB } from '../units.ts'
import type { ProofSizes } from './backend.ts'
import { PAGE_BYTES } from './kernels.ts'
import { FILL_UNIT_BYTES } from './resident-fill.ts'
import type { GemmVariant } from './wgsl/gemm.ts'

export interface WebgpuLimits {
  /** Largest buffer that a kernel can see whole, bytes. */
  readonly storageBytes: number
  /** Multiplications that a kernel does before the driver gets to do other work. */
  readonly productsPerDispatch: number
  /** Bytes filled by one dispatch. */
  readonly fillBytesPerDispatch: number
  /** Buffers that a kernel can see at once. */
  readonly storageBuffers: number
  /** Hops of the locality chain before the driver gets to do other work. */
  readonly hopsPerDispatch: number
}

/** Larger allocations gain nothing, and fail when memory is in pieces; SwiftShader has none of the GiB it speaks of. */
const MAX_BUFFER_BYTES = 512 * MiB
/** All three take a small integrated GPU under half a second; drivers reset a GPU that is silent for about two. */
const PRODUCTS_PER_DISPATCH = 2 ** 38
const FILL_BYTES_PER_DISPATCH = 64 * MiB
const HOPS_PER_DISPATCH = 2 ** 16
/** Smallest n: one tile of the tiled kernel. */
const MIN_N = 128
/** The digests number pages with 32 bits. */
const MAX_PAGES = 2 ** 32

/** The limits of an adapter. */
export function webgpuLimits({
  maxBufferSize,
  maxStorageBufferBindingSize,
  maxStorageBuffersPerShaderStage,
}: Pick<
  GPUSupportedLimits,
  'maxBufferSize' | 'maxStorageBufferBindingSize' | 'maxStorageBuffersPerShaderStage'
>): WebgpuLimits {
  return {
    storageBytes: Math.min(maxBufferSize, maxStorageBufferBindingSize),
    productsPerDispatch: PRODUCTS_PER_DISPATCH,
    fillBytesPerDispatch: FILL_BYTES_PER_DISPATCH,
    storageBuffers: maxStorageBuffersPerShaderStage,
    hopsPerDispatch: HOPS_PER_DISPATCH,
  }
}

/** The largest n whose matrix fits one buffer, a power of two. */
export const largestN = ({ storageBytes }: Pick<WebgpuLimits, 'storageBytes'>): number =>
  2 ** Math.floor(Math.log2(storageBytes) / 2)

/** Throws GPU_LIMIT for sizes that this device cannot have. */
export function checkSizes({ n, bytes }: ProofSizes, limits: WebgpuLimits, device: string): void {
  const most = largestN(limits)
  if (!Number.isInteger(Math.log2(n)) || n < MIN_N || n > most) {
    throw new NodeError('GPU_LIMIT', `n = ${n} is no power of two from ${MIN_N} to ${most}`, {
      next: `choose a smaller n for ${device}: a matrix must fit ${limits.storageBytes} bytes`,
    })
  }
  const units = bytes / FILL_UNIT_BYTES
  if (!Number.isInteger(units) || units < 1 || bytes / PAGE_BYTES > MAX_PAGES) {
    throw new NodeError('GPU_LIMIT', `a fill of ${bytes} bytes cannot be: it has whole 512 KiB`, {
      next: `choose a multiple of ${FILL_UNIT_BYTES} bytes`,
    })
  }
}

/** The sizes of the buffers that a fill is spread over, each a multiple of FILL_UNIT_BYTES. */
export function shardSizes(bytes: number, { storageBytes }: WebgpuLimits): number[] {
  const most = Math.min(storageBytes, MAX_BUFFER_BYTES)
  const whole = Math.max(FILL_UNIT_BYTES, most - (most % FILL_UNIT_BYTES))
  return cut(bytes, whole)
}

/** How many rows of the product one dispatch makes; a power of two between MIN_N and n. */
export const rowsPerDispatch = (n: number, { productsPerDispatch }: WebgpuLimits): number =>
  Math.min(n, Math.max(MIN_N, 2 ** Math.floor(Math.log2(productsPerDispatch / (n * n)))))

/** `total` in parts of `size`, the last one smaller. */
export const cut = (total: number, size: number): number[] =>
  Array.from({ length: Math.ceil(total / size) }, (_, i) => Math.min(size, total - i * size))

/** The kernel for a device: tiles on GPUs, no barriers on software; dp4a where WGSL has it. */
export const chooseGemm = (isSoftware: boolean, hasDp4a: boolean): GemmVariant => ({
  sharing: isSoftware ? 'direct' : 'tiled',
  product: hasDp4a ? 'dp4a' : 'i32',
})

import { type CudaDevice, type KernelArgument, u32, u64 } from './device.ts'
import type { Handle } from './driver.ts'

/** Both do the same; which is faster depends on the device (gemm.cuh). */
export type GemmKernel = 'gemm_warp32' | 'gemm_warp64'
const THREADS: Readonly<Record<GemmKernel, number>> = { gemm_warp32: 256, gemm_warp64: 128 }
/** Rows and columns that one block of threads makes. */
const TILE = 128
/** Below this a product takes less than half a millisecond on every device, and a timing says little. */
const WORTH_TIMING_N = 4096

/** Sizes that the kernels can: enough tiles, and a tree over the rows. */
export const isGemmSize = (n: number): boolean =>
  Number.isInteger(n) && n >= 2 * TILE && n <= 32_768 && (n & (n - 1)) === 0

/** Queues out = requantize(c · xᵀ), all n×n int8. */
export function queueGemm(
  device: CudaDevice,
  stream: Handle,
  kernel: GemmKernel,
  [c, x, out]: readonly [c: Handle, x: Handle, out: Handle],
  n: number,
): void {
  const args = [u64(c), u64(x), u64(out), u32(n)]
  device.launch(stream, kernel, (n / TILE) ** 2, THREADS[kernel], args)
}

/** Queues n pseudo-random rows of n int8 (Kernels.rows in kernels.ts). */
export function queueRows(
  device: CudaDevice,
  stream: Handle,
  out: Handle,
  key: KernelArgument,
  n: number,
  domain: number,
  step: number,
): void {
  const blocks = (n * n) / 64 / 256
  device.launch(stream, 'random_rows', blocks, 256, [u64(out), key, u32(n), u32(domain), u32(step)])
}

/** The kernel that is faster on this device at this size, by a timed run of each over memory of whatever content. */
export async function fasterGemm(
  device: CudaDevice,
  stream: Handle,
  matrices: readonly [c: Handle, x: Handle, out: Handle],
  n: number,
  worthTimingN = WORTH_TIMING_N,
): Promise<GemmKernel> {
  if (n < worthTimingN) return 'gemm_warp64'
  const wide = await timeGemm(device, stream, 'gemm_warp64', matrices, n)
  const narrow = await timeGemm(device, stream, 'gemm_warp32', matrices, n)
  return narrow < wide ? 'gemm_warp32' : 'gemm_warp64'
}

/** Time of one product on the device, the second of two in a row, ms. */
export async function timeGemm(
  device: CudaDevice,
  stream: Handle,
  kernel: GemmKernel,
  matrices: readonly [c: Handle, x: Handle, out: Handle],
  n: number,
): Promise<number> {
  const events = [device.event(), device.event()]
  const [from, to] = events as [Handle, Handle]
  try {
    queueGemm(device, stream, kernel, matrices, n)
    device.record(from, stream)
    queueGemm(device, stream, kernel, matrices, n)
    device.record(to, stream)
    await device.wait(to)
    return device.elapsedMs(from, to)
  } finally {
    device.release({ events })
  }
}

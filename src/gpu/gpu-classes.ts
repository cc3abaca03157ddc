/** What models of GPUs should show in a slot: an H100 SXM's is measured (docs/cuda.md), the others' are estimates. They size proofs and stand beside a bench. */
import type { BackendName } from './backend.ts'

export interface GpuClass {
  readonly name: string
  /** Int8 TOPS of our kernels: `mma.sync` by CUDA, dp4a by WebGPU. */
  readonly tops: Readonly<Record<'cuda' | 'webgpu', number>>
  /** Memory bandwidth of the data sheet; passes of an H100 reach 0.82 of it. */
  readonly gbps: number
  readonly memoryGiB: number
}

/**
 * By what drivers call a device; the first that fits counts. TOPS: middle of the ranges of notes/gpu-proof.md §3 where
 * it has them, else 60 % of the data sheet's dense int8 peak for CUDA and 512 operations per clock and multiprocessor,
 * halved, for dp4a.
 */
const classes: readonly (readonly [RegExp, GpuClass])[] = [
  [/\bB200\b/, gpuClass('B200', 1200, 80, 8000, 180)],
  [/\bH200\b/, gpuClass('H200', 850, 65, 4800, 141)],
  [/\bH100\b.*(HBM3|SXM)/, gpuClass('H100 SXM', 745, 71, 3350, 80)],
  [/\bH100\b/, gpuClass('H100 PCIe', 700, 50, 2000, 80)],
  [/\bA100\b.*80/, gpuClass('A100 80 GB', 375, 40, 2000, 80)],
  [/\bA100\b/, gpuClass('A100 40 GB', 375, 40, 1555, 40)],
  [/\bL40S\b/, gpuClass('L40S', 440, 85, 864, 48)],
  [/\bL4\b/, gpuClass('L4', 145, 30, 300, 24)],
  [/RTX 5090\b/, gpuClass('RTX 5090', 500, 100, 1792, 32)],
  [/RTX 4090\b/, gpuClass('RTX 4090', 475, 82, 1008, 24)],
  [/RTX 3090\b/, gpuClass('RTX 3090', 170, 36, 936, 24)],
  [/RTX A6000\b/, gpuClass('RTX A6000', 185, 39, 768, 48)],
]

function gpuClass(
  name: string,
  cuda: number,
  webgpu: number,
  gbps: number,
  memoryGiB: number,
): GpuClass {
  return { name, tops: { cuda, webgpu }, gbps, memoryGiB }
}

/** Every class, the fastest memory first. */
export const gpuClasses: readonly GpuClass[] = classes
  .map(([, found]) => found)
  .toSorted((a, b) => b.gbps - a.gbps)

/** The class of a device by its name; undefined for a model that is not in the table. */
export const classOf = (name: string): GpuClass | undefined =>
  classes.find(([pattern]) => pattern.test(name))?.[1]

/** Unknown models: TOPS per GiB of memory of their own, at the upper end of what is known, and what no model exceeds. */
const GUESS = { cuda: { perGiB: 15, most: 850 }, webgpu: { perGiB: 4, most: 100 } } as const
/** A GPU inside a processor: about 2 TOPS beside 16 GiB. */
const SHARED_PER_GIB = 0.5
/** A core does about 0.01 TOPS in WebAssembly. */
const CPU_TOPS = 1

/** About how many int8 TOPS a device does; rather too many than too few. */
export function expectedTops(
  { name, memoryGiB }: { readonly name: string; readonly memoryGiB: number },
  backend: BackendName,
  sharesMemory: boolean,
): number {
  if (backend === 'cpu') return CPU_TOPS
  const known = classOf(name)?.tops[backend]
  if (known !== undefined) return known
  const { perGiB, most } = GUESS[backend]
  return Math.min(most, memoryGiB * (sharesMemory ? SHARED_PER_GIB : perGiB))
}

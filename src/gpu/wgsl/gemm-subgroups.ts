/**
 * The product of gemm.ts by subgroup matrices: what Dawn makes of tensor cores (NVIDIA), WMMA (AMD) and XMX (Intel). The
 * language extension is an experiment of Dawn's (`chromium_experimental_subgroup_matrix`) and may change with its version.
 */
import { REQUANTIZE } from './gemm.ts'
import { type Kernel, times } from './kernel.ts'

/** A product that the device does at once: left M×K by right K×N, int8 with int32 sums. */
export interface MatrixShape {
  readonly M: number
  readonly N: number
  readonly K: number
}

export interface SubgroupPlan extends MatrixShape {
  /** Threads of the largest subgroup; a workgroup must have a multiple of them. */
  readonly lanes: number
}

/** Rows and columns that one workgroup makes: its sums fill the 16 KiB of workgroup memory that every device has. */
export const SUBGROUP_BLOCK = 64
/** Rows and columns of the part of it that one subgroup makes at a time: few enough sums to stay in registers. */
export const SUBGROUP_PART = 32
/** Every device takes as many threads in a workgroup (WebGPU §3.6.2). */
const MOST_THREADS = 256
/** A multiple of it is every n (webgpu-limits.ts). */
const LEAST_N = 128

/** Whether whole tiles of this shape fill a part, and a row of every matrix. */
export const isUsableShape = ({ M, N, K }: MatrixShape): boolean =>
  SUBGROUP_PART % M === 0 && SUBGROUP_PART % N === 0 && K % 4 === 0 && LEAST_N % K === 0

/** Threads of a workgroup: a subgroup for each part, where that many may be. */
export const subgroupThreads = ({ lanes }: Pick<SubgroupPlan, 'lanes'>): number =>
  lanes *
  Math.max(1, Math.min((SUBGROUP_BLOCK / SUBGROUP_PART) ** 2, Math.floor(MOST_THREADS / lanes)))

/**
 * The kernel for one shape. Subgroups take the parts of a block by turns, however many of them the driver makes of a
 * workgroup; they read both operands straight from memory along their rows, four int8 to an element, and put their sums
 * where all threads requantize them. Bindings as of gemm.ts.
 */
export function subgroupGemmKernel(plan: SubgroupPlan): Kernel {
  const { M, N, K } = plan
  const threads = subgroupThreads(plan)
  const [down, across] = [SUBGROUP_PART / M, SUBGROUP_PART / N]
  const [block, part, parts] = [SUBGROUP_BLOCK, SUBGROUP_PART, SUBGROUP_BLOCK / SUBGROUP_PART]
  const tiles = (text: (j: number, i: number) => string): string =>
    times(down, (j) => times(across, (i) => text(j, i)))
  return {
    label: `gemm subgroup matrix ${M}×${N}×${K}`,
    code: `enable subgroups;
enable chromium_experimental_subgroup_matrix;
requires subgroup_id;
alias Left = subgroup_matrix_left<i8, ${K}, ${M}>;
alias Right = subgroup_matrix_right<i8, ${N}, ${K}>;
alias Sums = subgroup_matrix_result<i32, ${N}, ${M}>;
@group(0) @binding(0) var<uniform> vectors: u32;
@group(0) @binding(1) var<storage, read> c: array<i32>;
@group(0) @binding(2) var<storage, read> x: array<i32>;
@group(0) @binding(3) var<storage, read_write> result: array<u32>;
var<workgroup> sums: array<i32, ${block * block}>;
${REQUANTIZE}
@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
) {
  let stride = vectors * 4u;
  for (var p = subgroup; p < ${parts * parts}u; p += subgroups) {
    let row = (p / ${parts}u) * ${part}u;
    let column = (p % ${parts}u) * ${part}u;
    let fromC = (group.y * ${block}u + row) * stride;
    let fromX = (group.x * ${block}u + column) * stride;
    ${tiles((j, i) => `var s${j}_${i} = Sums();`)}
    for (var k = 0u; k < stride; k += ${K / 4}u) {
      ${times(down, (j) => `let c${j} = subgroupMatrixLoad<Left, row_major>(&c, fromC + ${j * M}u * stride + k, stride);`)}
      ${times(across, (i) => `let x${i} = subgroupMatrixLoad<Right, col_major>(&x, fromX + ${i * N}u * stride + k, stride);`)}
      ${tiles((j, i) => `s${j}_${i} = subgroupMatrixMultiplyAccumulate(c${j}, x${i}, s${j}_${i});`)}
    }
    let to = row * ${block}u + column;
    ${tiles((j, i) => `subgroupMatrixStore<row_major>(&sums, to + ${j * M * block + i * N}u, s${j}_${i}, ${block}u);`)}
  }
  workgroupBarrier();
  for (var w = thread; w < ${(block * block) / 4}u; w += ${threads}u) {
    let at = w * 4u;
    let row = group.y * ${block}u + w / ${block / 4}u;
    let word = group.x * ${block / 4}u + w % ${block / 4}u;
    result[row * stride + word] = pack(sums[at], sums[at + 1u], sums[at + 2u], sums[at + 3u]);
  }
}`,
  }
}

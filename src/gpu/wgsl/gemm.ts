/**
 * result[j][i] = requantize(c[j] · x[i]) over int8 rows, exact in int32. Both operands are read along their rows, so
 * nothing is transposed. Bindings: 16-byte units per row, rows of C, X, the same rows of the result.
 */
import { type Kernel, times } from './kernel.ts'

/** How threads share the work, and what multiplies four int8 pairs. */
export interface GemmVariant {
  /** `tiled` keeps tiles in workgroup memory, for GPUs; `direct` has no barrier, which software is slow at. */
  readonly sharing: 'tiled' | 'direct'
  /** `dp4a` is one instruction on most GPUs, `i32` are plain multiplications. */
  readonly product: 'dp4a' | 'i32'
}

/** A kernel of the product. */
export interface Gemm {
  readonly kernel: Kernel
  /** Rows and columns that one workgroup makes; n and the bands of rows are multiples of it. */
  readonly tile: number
}

/** The product of a variant. */
export const gemmOf = (variant: GemmVariant): Gemm => ({
  kernel: gemmKernel(variant),
  tile: variant.sharing === 'tiled' ? 128 : 32,
})

/** Four sums as the word of results that they make (gemm-chain.ts). */
export const REQUANTIZE = `
fn requantize(sum: i32) -> u32 {
  var u = bitcast<u32>(sum) * 0x9e3779b1u;
  u ^= u >> 15u;
  return (u * 0x85ebca77u) >> 24u;
}
fn pack(s0: i32, s1: i32, s2: i32, s3: i32) -> u32 {
  return requantize(s0) | (requantize(s1) << 8u) | (requantize(s2) << 16u) | (requantize(s3) << 24u);
}`

/** The kernel of a variant; all give the same bytes. */
const gemmKernel = (variant: GemmVariant): Kernel => ({
  label: `gemm ${variant.sharing} ${variant.product}`,
  code: `${variant.product === 'dp4a' ? 'requires packed_4x8_integer_dot_product;' : ''}
@group(0) @binding(0) var<uniform> vectors: u32;
@group(0) @binding(1) var<storage, read> c: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> result: array<u32>;

${variant.product === 'dp4a' ? DOT4_DP4A : DOT4_I32}
fn dot16(a: vec4<u32>, b: vec4<u32>) -> i32 {
  return dot4(a.x, b.x) + dot4(a.y, b.y) + dot4(a.z, b.z) + dot4(a.w, b.w);
}
${REQUANTIZE}
${variant.sharing === 'tiled' ? TILED : DIRECT}`,
})

const DOT4_DP4A = 'fn dot4(a: u32, b: u32) -> i32 { return dot4I8Packed(a, b); }'
const DOT4_I32 = `
fn byteOf(word: u32, left: u32) -> i32 { return bitcast<i32>(word << left) >> 24u; }
fn dot4(a: u32, b: u32) -> i32 {
  return byteOf(a, 24u) * byteOf(b, 24u) + byteOf(a, 16u) * byteOf(b, 16u)
    + byteOf(a, 8u) * byteOf(b, 8u) + byteOf(a, 0u) * byteOf(b, 0u);
}`

/** Declares a sum for each of rows × columns results. */
const sums = (rows: number, columns: number): string =>
  times(rows, (j) => times(columns, (i) => `var s${j}_${i} = 0;`))
const packed = (j: number, i: number): string =>
  `pack(s${j}_${i}, s${j}_${i + 1}, s${j}_${i + 2}, s${j}_${i + 3})`

/** 8×8 threads with 4×4 results each, straight from memory: caches do the sharing. */
const DIRECT = `
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.y * 4u;
  let column = id.x * 4u;
  ${sums(4, 4)}
  for (var k = 0u; k < vectors; k++) {
    ${times(4, (j) => `let c${j} = c[(row + ${j}u) * vectors + k];`)}
    ${times(4, (i) => `let x${i} = x[(column + ${i}u) * vectors + k];`)}
    ${times(4, (j) => times(4, (i) => `s${j}_${i} += dot16(c${j}, x${i});`))}
  }
  ${times(4, (j) => `result[(row + ${j}u) * vectors * 4u + id.x] = ${packed(j, 0)};`)}
}`

/**
 * 16×16 threads with 8×8 results each. Per round 32 bytes of 128 rows of either operand go to workgroup memory, at a
 * stride of three vectors, so that neighbours meet different banks. A thread has rows y, y+16, … and twice four columns
 * side by side, which it writes as one word; the rows of X are put so that neighbouring threads read neighbouring ones.
 */
const TILED = `
var<workgroup> tileC: array<vec4<u32>, 384>;
var<workgroup> tileX: array<vec4<u32>, 384>;

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) id: vec3<u32>) {
  let thread = id.y * 16u + id.x;
  let loaded = thread / 2u;
  let part = thread % 2u;
  let fromC = (group.y * 128u + loaded) * vectors + part;
  let fromX = (group.x * 128u + loaded) * vectors + part;
  let toC = loaded * 3u + part;
  let toX = ((loaded & 64u) + (loaded & 3u) * 16u + (loaded & 63u) / 4u) * 3u + part;
  ${sums(8, 8)}
  for (var k = 0u; k < vectors; k += 2u) {
    let nextC = c[fromC + k];
    let nextX = x[fromX + k];
    workgroupBarrier();
    tileC[toC] = nextC;
    tileX[toX] = nextX;
    workgroupBarrier();
    for (var p = 0u; p < 2u; p++) {
      ${times(8, (j) => `let c${j} = tileC[(id.y + ${16 * j}u) * 3u + p];`)}
      ${times(8, (i) => `{ let v = tileX[(id.x + ${64 * (i >> 2) + 16 * (i & 3)}u) * 3u + p];\n${times(8, (j) => `s${j}_${i} += dot16(c${j}, v);`)} }`)}
    }
  }
  let at = (group.y * 128u + id.y) * vectors * 4u + group.x * 32u + id.x;
  ${times(8, (j) => times(2, (h) => `result[at + ${16 * j}u * vectors * 4u + ${16 * h}u] = ${packed(j, 4 * h)};`))}
}`

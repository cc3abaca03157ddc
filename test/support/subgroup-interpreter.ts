/**
 * Runs the text of wgsl/gemm-subgroups.ts in JavaScript: the statements of `main` are rewritten one by one, and its
 * matrix built-ins are plain loops. It knows what that kernel uses and nothing more: anything else fails to parse.
 */
import { requantize } from '../../src/gpu/gemm-chain.ts'
import type { SubgroupPlan } from '../../src/gpu/wgsl/gemm-subgroups.ts'
import type { Kernel } from '../../src/gpu/wgsl/kernel.ts'

export interface InterpretedWork {
  readonly c: Int8Array
  readonly x: Int8Array
  readonly n: number
  /** How many subgroups a workgroup has. */
  readonly subgroups: number
  /** Workgroups in each direction. */
  readonly groups: number
}

type Matrix = Int32Array
/** A subgroup that comes after all parts of a block has nothing to multiply. */
const PAST_ALL = 2 ** 20
type Vector = { readonly x: number; readonly y: number }
type Main = (
  group: Vector,
  thread: number,
  subgroup: number,
  subgroups: number,
  memory: object,
) => Generator<void, void>

/** The statements of `main` as the body of a generator that stops at the barrier. */
export function statementsOf(code: string): string {
  const body = code.slice(code.indexOf(') {', code.indexOf('fn main(')) + 3, code.lastIndexOf('}'))
  return body
    .replace(/\b(\d+)u\b/g, '$1')
    .replace(/\blet /g, 'const ')
    .replace(/\bvar /g, 'let ')
    .replace(/(\w+) \/ (\d+)/g, 'Math.floor($1 / $2)')
    .replace(/subgroupMatrixLoad<Left, row_major>\(&/g, 'loadLeft(')
    .replace(/subgroupMatrixLoad<Right, col_major>\(&/g, 'loadRight(')
    .replace(/subgroupMatrixStore<row_major>\(&/g, 'store(')
    .replace(/workgroupBarrier\(\)/g, 'yield')
}

/** The result, four int8 to a word, as a device would leave it. */
export function runSubgroupKernel(
  { code }: Kernel,
  { M, N, K }: SubgroupPlan,
  { c, x, n, subgroups, groups }: InterpretedWork,
): Uint32Array {
  const threads = Number(/@workgroup_size\((\d+)\)/.exec(code)![1])
  const result = new Uint32Array((n * n) / 4)
  /** Offsets and strides count elements of four int8. */
  const load =
    (rows: number, columns: number, isByColumns: boolean) =>
    (from: Int8Array, offset: number, stride: number): Matrix =>
      Int32Array.from({ length: rows * columns }, (_, at) => {
        const [row, column] = [Math.floor(at / columns), at % columns]
        const [line, place] = isByColumns ? [column, row] : [row, column]
        return from[4 * (offset + line * stride) + place]!
      })
  const multiplyAccumulate = (left: Matrix, right: Matrix, sums: Matrix): Matrix =>
    sums.map((sum, at) => {
      const [row, column] = [Math.floor(at / N), at % N]
      let total = sum
      for (let k = 0; k < K; k++) total += left[row * K + k]! * right[k * N + column]!
      return total
    })
  const store = (to: Int32Array, offset: number, sums: Matrix, stride: number): void => {
    for (const [at, sum] of sums.entries())
      to[offset + Math.floor(at / N) * stride + (at % N)] = sum
  }
  const pack = (...four: number[]): number =>
    four.reduce((word, sum, i) => word | ((requantize(sum) & 0xff) << (8 * i)), 0) >>> 0
  const builtins = {
    Sums: () => new Int32Array(M * N),
    loadLeft: load(M, K, false),
    loadRight: load(K, N, true),
    subgroupMatrixMultiplyAccumulate: multiplyAccumulate,
    store,
    pack,
    vectors: n / 16,
    c,
    x,
    result,
  }
  const names = Object.keys(builtins)
  const generator = `return function* (group, thread, subgroup, subgroups, { sums }) { ${statementsOf(code)} }`
  const main = new Function(...names, generator)(...Object.values(builtins)) as Main
  for (let y = 0; y < groups; y++) {
    for (let column = 0; column < groups; column++) {
      const memory = { sums: new Int32Array(64 * 64) }
      const group = { x: column, y }
      // The threads of a subgroup make one product together: one of them stands for all before the barrier.
      for (let s = 0; s < subgroups; s++) main(group, 0, s, subgroups, memory).next()
      for (let thread = 0; thread < threads; thread++) {
        const run = main(group, thread, PAST_ALL, subgroups, memory)
        run.next()
        run.next()
      }
    }
  }
  return result
}

import { concat } from '../../src/bytes.ts'
import { matrixLevels } from '../../src/gpu/gemm-chain.ts'
import { merklePath, rootOf } from '../../src/gpu/merkle.ts'

/** Opens chosen rows of one committed n×n matrix, honest or not. */
export function openMatrix(x: Uint8Array, rows: readonly number[]) {
  const n = Math.sqrt(x.length)
  const levels = matrixLevels(x, n)
  return {
    root: rootOf(levels),
    rows: concat(rows.map((j) => x.slice(j * n, j * n + n))),
    paths: concat(rows.flatMap((j) => merklePath(levels, j))),
  }
}

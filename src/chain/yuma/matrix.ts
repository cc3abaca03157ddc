import { divide, multiply, multiplyUp, ONE, sum } from './proportion.ts'
import type { Row } from './state.ts'

/**
 * One row of a sparse matrix: columns, and a value for each. Columns stand in the order in which the chain keeps them,
 * which is the order of the validator's own call, and a value of 0 is not the same as an absent one.
 */
export interface SparseRow {
  readonly columns: Uint16Array
  /** Proportions (proportion.ts), or plain u16 before the row is normalised. */
  readonly values: Float64Array
}

/** Index = row. */
export type Matrix = readonly SparseRow[]

/** A row of what the chain keeps, without columns of `n` and beyond. */
export function sparseRow(row: Row, n: number): SparseRow {
  const columns = new Uint16Array(row.length)
  const values = new Float64Array(row.length)
  let length = 0
  for (const pair of row) {
    if (pair[0] >= n) continue
    columns[length] = pair[0]
    values[length++] = pair[1]
  }
  return { columns: columns.subarray(0, length), values: values.subarray(0, length) }
}

/** The same columns with other values. */
export function mapRow(
  { columns, values }: SparseRow,
  change: (value: number, column: number) => number,
): SparseRow {
  const changed = new Float64Array(values.length)
  for (let k = 0; k < values.length; k++) changed[k] = change(values[k]!, columns[k]!)
  return { columns, values: changed }
}

/** The cells that `keep` chooses. */
export function filterRow(
  { columns, values }: SparseRow,
  keep: (column: number, value: number) => boolean,
): SparseRow {
  const kept = new Uint16Array(columns.length)
  const of = new Float64Array(columns.length)
  let length = 0
  for (let k = 0; k < columns.length; k++) {
    if (!keep(columns[k]!, values[k]!)) continue
    kept[length] = columns[k]!
    of[length++] = values[k]!
  }
  return { columns: kept.subarray(0, length), values: of.subarray(0, length) }
}

/** The cells of a whole row, absent ones 0, from a row that may be in any order. */
export function denseRow({ columns, values }: SparseRow, n: number): Float64Array {
  const dense = new Float64Array(n)
  for (let k = 0; k < columns.length; k++) dense[columns[k]!] = values[k]!
  return dense
}

/** The cells above 0, in ascending columns. */
export function positiveRow(dense: Float64Array): SparseRow {
  const columns = new Uint16Array(dense.length)
  for (let column = 0; column < dense.length; column++) columns[column] = column
  return filterRow({ columns, values: dense }, (_, value) => value > 0)
}

/** The sum of each row. */
export const rowSums = (matrix: Matrix): number[] => matrix.map(({ values }) => sum(values))

function columnFold(
  matrix: Matrix,
  n: number,
  fold: (so: number, value: number, row: number) => number,
): Float64Array {
  const result = new Float64Array(n)
  matrix.forEach(({ columns, values }, row) => {
    for (let k = 0; k < columns.length; k++)
      result[columns[k]!] = fold(result[columns[k]!]!, values[k]!, row)
  })
  return result
}

const divideColumns = (matrix: Matrix, by: Float64Array): Matrix =>
  matrix.map((row) =>
    mapRow(row, (value, column) => (by[column] === 0 ? value : divide(value, by[column]!))),
  )

/** The sum of each column. */
export const columnSums = (matrix: Matrix, n: number): Float64Array =>
  columnFold(matrix, n, (so, value) => so + value)

/** Each column divided by its sum. */
export const normaliseColumns = (matrix: Matrix, n: number): Matrix =>
  divideColumns(matrix, columnSums(matrix, n))

/** Each column divided by its greatest value. */
export const upscaleColumns = (matrix: Matrix, n: number): Matrix =>
  divideColumns(
    matrix,
    columnFold(matrix, n, (so, value) => Math.max(so, value)),
  )

/** Per column, the sum of its cells times what `vector` gives their rows. */
export const columnProducts = (matrix: Matrix, vector: readonly number[], n: number): number[] => [
  ...columnFold(matrix, n, (so, value, row) => so + multiply(vector[row]!, value)),
]

/** Per row, the sum of its cells times what `vector` gives their columns. */
export const rowProducts = (matrix: Matrix, vector: readonly number[]): number[] =>
  matrix.map(({ columns, values }) => {
    let total = 0
    for (let k = 0; k < columns.length; k++) total += multiply(vector[columns[k]!]!, values[k]!)
    return total
  })

/** No cell above its column's ceiling; a cell whose ceiling is 0 goes, unless it was 0. */
export const clipColumns = (matrix: Matrix, ceilings: readonly number[]): Matrix =>
  matrix.map((row) =>
    mapRow(
      filterRow(row, (column, value) => value <= ceilings[column]! || ceilings[column]! > 0),
      (value, column) => Math.min(value, ceilings[column]!),
    ),
  )

/**
 * Between two matrices: `from` at share 0, `to` at share 1 (both untouched), else from + share·(to - from) without
 * what is 0. No cell of `to` may exceed that of `from`.
 */
export function between(from: Matrix, to: Matrix, share: number, n: number): Matrix {
  if (share === 0) return from
  if (share === ONE) return to
  return from.map((row, i) => {
    const [a, b] = [denseRow(row, n), denseRow(to[i]!, n)]
    // The runtime adds share·(to - from), a negative product rounded down: what goes is rounded up.
    return positiveRow(a.map((value, column) => value - multiplyUp(value - b[column]!, share)))
  })
}

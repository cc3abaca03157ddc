import { denseRow, type Matrix } from './matrix.ts'
import { normalise, sum } from './proportion.ts'

/**
 * Per column, the highest weight that more than `kappa` of the stake gives it at least, as far as stakes allow: the
 * runtime's stake-weighted median over the rows whose stake is above 0. Proportions in and out.
 */
export function columnMedians(
  matrix: Matrix,
  stakes: readonly number[],
  kappa: number,
  n: number,
): number[] {
  const voters = stakes.flatMap((stake, row) => (stake > 0 ? [row] : []))
  const votes = Float64Array.from(normalise(voters.map((row) => stakes[row]!)))
  const whole = sum(votes)
  const rows = voters.map((row) => denseRow(matrix[row]!, n))
  const scores = new Float64Array(voters.length)
  return Array.from({ length: n }, (_, column) => {
    for (let k = 0; k < rows.length; k++) scores[k] = rows[k]![column]!
    return weightedMedian(votes, scores, whole - kappa, whole)
  })
}

/**
 * The score at which the stake below it reaches `minority`, by halving: the middle candidate splits the others, and the
 * side that holds the boundary is searched on. 0 without candidates.
 */
export function weightedMedian(
  stakes: Float64Array,
  scores: Float64Array,
  minority: number,
  whole: number,
): number {
  let candidates: number[] = Array.from(scores, (_, k) => k)
  let [low, high] = [0, whole]
  while (candidates.length > 1) {
    const pivot = scores[candidates[candidates.length >> 1]!]!
    const lower = candidates.filter((k) => scores[k]! < pivot)
    const upper = candidates.filter((k) => scores[k]! > pivot)
    const stakeOf = (part: readonly number[]): number =>
      part.reduce((total, k) => total + stakes[k]!, 0)
    const [below, above] = [low + stakeOf(lower), high - stakeOf(upper)]
    if (minority < below && lower.length > 0) {
      candidates = lower
      high = below
    } else if (above <= minority && upper.length > 0) {
      candidates = upper
      low = above
    } else return pivot
  }
  return candidates.length === 0 ? 0 : scores[candidates[0]!]!
}

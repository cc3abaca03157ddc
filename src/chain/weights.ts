import { NodeError } from '../errors.ts'
import type { RowLimits, WeightRow } from './chain-weights.ts'

const MAX = 65_535

/** Rounds half to even, as Python's `round` does, so that both SDKs send the same numbers. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  if (rest !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}

/**
 * Scores by uid to what the chain takes: scaled so that the highest is 65535, rounded half to even, zeros dropped,
 * sorted by uid. Empty when nothing is above zero. BAD_CONFIG on a negative or non-finite score or a bad uid.
 */
export function normaliseWeights(scores: ReadonlyMap<number, number>): WeightRow {
  for (const [uid, score] of scores) {
    if (!Number.isInteger(uid) || uid < 0 || uid > MAX)
      throw new NodeError('BAD_CONFIG', `uid ${uid} is none`)
    if (!Number.isFinite(score) || score < 0)
      throw new NodeError('BAD_CONFIG', `the score ${score} of uid ${uid} is no weight`)
  }
  const max = Math.max(0, ...scores.values())
  if (max === 0) return []
  return [...scores]
    .map(([uid, score]) => [uid, roundHalfEven((score / max) * MAX)] as const)
    .filter(([, weight]) => weight > 0)
    .sort(([a], [b]) => a - b)
}

const EPSILON = 1e-7

/**
 * Clips shares so that none is above `limit`, a proportion: the SDK's `normalize_max_weight`. Gives shares of 1; all
 * alike where no row of that length can keep the limit.
 */
export function limitShares(shares: readonly number[], limit: number): number[] {
  const n = shares.length
  const total = sum(shares)
  if (total === 0 || n * limit <= 1) return shares.map(() => 1 / n)
  const sorted = shares.map((share) => share / total).sort((a, b) => a - b)
  if (sorted.at(-1)! <= limit) return shares.map((share) => share / total)
  let below = 0
  const upTo = sorted.map((share) => (below += share))
  const kept = sorted.filter(
    (share, i) => share / ((n - i - 1) * share + upTo[i]! + EPSILON) < limit,
  ).length
  const least = (limit * (upTo[kept - 1] ?? 0) - EPSILON) / (1 - limit * (n - kept))
  const clipped = shares.map((share) => Math.min(share, least * total))
  return clipped.map((share) => share / sum(clipped))
}

/**
 * Scores to a row that the subnet takes: none above its greatest share, and padded with weights of 1 on the first uids
 * of `pad` that have none, up to its least number (notes/scoring.md §6). Text, a reason, where there is no such row.
 */
export function fitRow(
  scores: ReadonlyMap<number, number>,
  { neurons, minWeights, maxWeight }: RowLimits,
  pad: readonly number[] = [],
): WeightRow | string {
  const row = limited(normaliseWeights(scores), maxWeight)
  if (row.length === 0) return 'no score is above zero'
  const taken = new Set(row.map(([uid]) => uid))
  const missing = Math.max(0, Math.min(neurons, minWeights) - row.length)
  const fill = [...new Set(pad)].filter((uid) => !taken.has(uid)).slice(0, missing)
  if (fill.length < missing)
    return `the subnet takes no fewer than ${minWeights} weights, and there are ${row.length}`
  const padded = [...row, ...fill.map((uid) => [uid, 1] as const)].sort(([a], [b]) => a - b)
  if (withinLimit(padded, maxWeight)) return padded
  return `no weight may be above ${maxWeight} of 65535 parts, so ${row.length} are too few`
}

/** Rounding may lift the highest over the limit again: then the limit is taken a little lower. */
function limited(row: WeightRow, maxWeight: number): WeightRow {
  for (let lower = 0; lower < 8; lower++) {
    if (withinLimit(row, maxWeight) || row.length * maxWeight <= MAX) return row
    const shares = limitShares(
      row.map(([, weight]) => weight),
      (maxWeight - lower) / MAX,
    )
    const clipped = normaliseWeights(new Map(row.map(([uid], i) => [uid, shares[i]!])))
    if (withinLimit(clipped, maxWeight)) return clipped
  }
  return row
}

const withinLimit = (row: WeightRow, limit: number): boolean => {
  const weights = row.map(([, weight]) => weight)
  return limit >= MAX || Math.max(0, ...weights) * MAX <= limit * sum(weights)
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

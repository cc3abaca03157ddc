import { NodeError } from '../errors.ts'
import type { WeightRow } from './chain.ts'

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

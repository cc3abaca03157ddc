import { filterRow, type Matrix, mapRow, sparseRow } from './matrix.ts'
import { ratio, sum } from './proportion.ts'
import type { YumaState } from './state.ts'

/**
 * The weights that count, each row adding up to 1: those of who has a seat, without a validator's weight for itself
 * (but the owner's), and without weights or commits older than the registration of who they are for.
 */
export function countedWeights(state: YumaState, seats: readonly boolean[]): Matrix {
  const { neurons, weights, ownerUid, parameters } = state
  return weights.map((row, uid) => {
    const { lastUpdate, committedAt = Number.POSITIVE_INFINITY } = neurons[uid]!
    const counted = filterRow(sparseRow(seats[uid] ? row : [], neurons.length), (miner) => {
      const { registeredAt } = neurons[miner]!
      if (miner === uid && uid !== ownerUid) return false
      if (parameters.commitReveal && committedAt < registeredAt) return false
      return lastUpdate > registeredAt
    })
    const whole = sum(counted.values)
    return mapRow(counted, (value) => ratio(value, whole))
  })
}

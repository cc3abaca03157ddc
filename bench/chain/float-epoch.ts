import type { YumaState } from '../../src/chain/yuma/state.ts'

/** Rows of validators with stake, each cell a double; index = miner. */
type Rows = readonly Float64Array[]

const total = (values: Iterable<number>): number => {
  let sum = 0
  for (const value of values) sum += value
  return sum
}

/** What an epoch comes to in plain doubles. */
export interface FloatOutcome {
  readonly incentive: Float64Array
  readonly dividends: readonly number[]
}

/**
 * The yardstick: an epoch of Yuma2 the plainest way, dense and in floating point, without masks and rounding. Its
 * results are near those of the runtime and never the same bits.
 */
export function floatEpoch({ neurons, weights, bonds, parameters }: YumaState): FloatOutcome {
  const n = neurons.length
  const voters = neurons.flatMap(({ stake, permit }, uid) => (permit && stake > 0n ? [uid] : []))
  const raw = voters.map((uid) => Number(neurons[uid]!.stake))
  const stakes = raw.map((stake) => stake / total(raw))
  const rows: Rows = voters.map((uid) => {
    const row = new Float64Array(n)
    for (const [miner, value] of weights[uid]!) if (miner !== uid) row[miner] = value
    const sum = total(row)
    return row.map((value) => (sum === 0 ? 0 : value / sum))
  })
  const kappa = parameters.kappa / 65_535
  const incentive = new Float64Array(n)
  const shares: Rows = voters.map(() => new Float64Array(n))
  for (let miner = 0; miner < n; miner++) {
    const ceiling = median(stakes, rows, miner, 1 - kappa)
    const backed = rows.map((row, i) => stakes[i]! * Math.min(row[miner]!, ceiling))
    const sum = total(backed)
    incentive[miner] = sum
    backed.forEach((value, i) => {
      shares[i]![miner] = sum === 0 ? 0 : value / sum
    })
  }
  const paid = total(incentive)
  const former: Rows = voters.map((uid) => {
    const row = new Float64Array(n)
    for (const [miner, value] of bonds[uid]!) row[miner] = value
    return row
  })
  const sums = new Float64Array(n)
  for (const row of former)
    row.forEach((value, miner) => {
      sums[miner]! += value
    })
  const stays = parameters.bondsMovingAverage / 1_000_000
  const dividends = voters.map((_, i) => {
    let sum = 0
    for (let miner = 0; miner < n; miner++) {
      const before = sums[miner] === 0 ? 0 : former[i]![miner]! / sums[miner]!
      const bond = stays * before + (1 - stays) * shares[i]![miner]!
      sum += (bond * incentive[miner]!) / paid
    }
    return sum
  })
  return { incentive: incentive.map((value) => value / paid), dividends }
}

/** The weight at which the stake below reaches `minority`. */
function median(stakes: readonly number[], rows: Rows, miner: number, minority: number): number {
  const order = stakes.map((_, i) => i).sort((a, b) => rows[a]![miner]! - rows[b]![miner]!)
  let below = 0
  for (const i of order) {
    below += stakes[i]!
    if (minority < below) return rows[i]![miner]!
  }
  return 0
}

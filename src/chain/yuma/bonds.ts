import { liquidAlpha } from './liquid-alpha.ts'
import {
  columnSums,
  denseRow,
  filterRow,
  type Matrix,
  mapRow,
  normaliseColumns,
  positiveRow,
  rowProducts,
  type SparseRow,
  sparseRow,
  upscaleColumns,
} from './matrix.ts'
import { multiply, normalise, ONE, ofU16, ratio } from './proportion.ts'
import type { LiquidAlpha, YumaState } from './state.ts'

/** What bonds are made of in one epoch; proportions. */
export interface BondInputs {
  /** Weights with the penalty for what exceeds consensus. */
  readonly weights: Matrix
  /** Stake shares of who counts. */
  readonly activeStake: readonly number[]
  readonly consensus: readonly number[]
  readonly incentive: readonly number[]
}

export interface BondOutcome {
  /** What the chain keeps, per validator. */
  readonly bonds: Matrix
  /** Each validator's part of all dividends. */
  readonly dividends: readonly number[]
}

/** Bonds and dividends of an epoch, by the kind of Yuma that the subnet chose. */
export function bondsOf(state: YumaState, inputs: BondInputs): BondOutcome {
  const former = formerBonds(state)
  return state.parameters.yuma3
    ? pairBonds(state, former, inputs)
    : shareBonds(state, former, inputs)
}

/** Bonds as the last epoch left them, without those on who registered since. */
function formerBonds(state: YumaState): Matrix {
  const { neurons, bonds, block, tempo, lastEpochBlock } = state
  const since = lastEpochBlock === 0 ? Math.max(0, block - tempo) : lastEpochBlock + 1
  return bonds.map((row) =>
    filterRow(sparseRow(row, neurons.length), (miner) => since > neurons[miner]!.registeredAt),
  )
}

/** The part of a new weight or share that goes into a bond, from the part of the old one that stays. */
const newPart = ({ parameters }: YumaState): number =>
  ONE - ratio(parameters.bondsMovingAverage, 1_000_000)

/**
 * Yuma2: every column of bonds adds up to 1; the stake behind this epoch's weights moves it. A validator's dividends
 * are its parts of what its miners get.
 */
function shareBonds(
  state: YumaState,
  former: Matrix,
  { weights, activeStake, incentive }: BondInputs,
): BondOutcome {
  const n = state.neurons.length
  const delta = weights.map((row, i) => mapRow(row, (value) => multiply(value, activeStake[i]!)))
  const before = columnShares(former, n)
  const moved = follow(normaliseColumns(delta, n), before, newPart(state))
  const shares = normaliseColumns(moved, n)
  const dividends = normalise(rowProducts(shares, incentive))
  return { bonds: upscaleColumns(shares, n), dividends }
}

/** Columns of plain u16 as shares of their sums. */
function columnShares(u16s: Matrix, n: number): Matrix {
  const sums = columnSums(u16s, n)
  return u16s.map((row) => mapRow(row, (value, column) => ratio(value, sums[column]!)))
}

/**
 * Yuma3: every pair's bond follows its own weight, evenly or by liquid alpha. A validator's dividends are its shares
 * of its miners' bonds, times its stake.
 */
function pairBonds(
  state: YumaState,
  former: Matrix,
  { weights, activeStake, consensus, incentive }: BondInputs,
): BondOutcome {
  const n = state.neurons.length
  const { liquidAlpha: liquid } = state.parameters
  const before = former.map((row) => mapRow(row, ofU16))
  const bonds =
    liquid !== undefined && consensus.some((value) => value !== 0)
      ? followLiquid(weights, before, consensus, liquid)
      : follow(weights, before, newPart(state))
  const held = rowProducts(normaliseColumns(bonds, n), incentive)
  return { bonds, dividends: normalise(held.map((value, i) => multiply(value, activeStake[i]!))) }
}

/** Moves every cell the same part of the way from `before` to `now`. */
const follow = (now: Matrix, before: Matrix, part: number): Matrix =>
  now.map((row, i) => {
    const old = denseRow(before[i]!, now.length)
    return positiveRow(
      denseRow(row, now.length).map(
        (value, column) => multiply(part, value) + multiply(ONE - part, old[column]!),
      ),
    )
  })

/** Moves each cell of `now` by its own alpha, at most to 1; bonds without a weight end. */
function followLiquid(
  now: Matrix,
  before: Matrix,
  consensus: readonly number[],
  liquid: LiquidAlpha,
): Matrix {
  const alphaOf = liquidAlpha(liquid)
  const n = consensus.length
  return now.map((row, i) => {
    const old = denseRow(before[i]!, n)
    const [weights, bonds] = [walkedRow(row, n), walkedRow(before[i]!, n)]
    const moved = mapRow(row, (value, column) => {
      const alpha = alphaOf(consensus[column]!, weights[column]!, bonds[column]!)
      return Math.min(ONE, multiply(ONE - alpha, old[column]!) + multiply(alpha, value))
    })
    return filterRow(moved, (_, value) => value > 0)
  })
}

/**
 * A row as the runtime's alphas see it: it walks rows as if columns ascended, so a cell behind one of a higher column
 * counts as 0 there. Rows that validators send in ascending order are seen whole.
 */
function walkedRow({ columns, values }: SparseRow, n: number): Float64Array {
  const seen = new Float64Array(n)
  let highest = -1
  columns.forEach((column, k) => {
    if (column <= highest) return
    highest = column
    seen[column] = values[k]!
  })
  return seen
}

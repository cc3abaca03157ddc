// The epoch once more, plainly: whole matrices of big numbers, every step in saturating fixed point, no shortcut. It
// shares nothing with src/chain/yuma but the big numbers' rounding, so that the two can be held against each other.
import {
  addBits,
  bitsOf,
  divideBits,
  expBits,
  multiplyBits,
  ONE_BITS,
  subtractBits,
} from '../../src/chain/yuma/fixed-point.ts'
import type { Row, YumaState } from '../../src/chain/yuma/state.ts'

/** An absent cell is undefined: the runtime's sparse rows tell it from 0. */
type Cell = bigint | undefined
type Cells = Cell[][]

const total = (values: readonly Cell[]): bigint =>
  values.reduce<bigint>((so, value) => addBits(so, value ?? 0n), 0n)
const shares = (values: readonly bigint[]): bigint[] => {
  const whole = total(values)
  return whole === 0n ? [...values] : values.map((value) => divideBits(value, whole))
}
const u16 = (bits: bigint): number => Number(multiplyBits(bits, bitsOf(65_535)) >> 32n)
const column = (cells: Cells, j: number): Cell[] => cells.map((row) => row[j])
const map = (cells: Cells, change: (cell: bigint, i: number, j: number) => Cell): Cells =>
  cells.map((row, i) => row.map((cell, j) => (cell === undefined ? undefined : change(cell, i, j))))
const cellsOf = (rows: readonly Row[], n: number): Cells =>
  rows.map((row) => {
    const found = new Map(row)
    return Array.from({ length: n }, (_, j) => {
      const value = found.get(j)
      return value === undefined ? undefined : bitsOf(value)
    })
  })
const columnShares = (cells: Cells): Cells =>
  map(cells, (cell, _, j) => {
    const whole = total(column(cells, j))
    return whole === 0n ? cell : divideBits(cell, whole)
  })
const positive = (bits: bigint): Cell => (bits > 0n ? bits : undefined)

/** By sorting: the first score with which more stake than `minority` has been passed. */
function median(stakes: readonly bigint[], scores: readonly bigint[], minority: bigint): bigint {
  const order = stakes.map((stake, i) => ({ stake, score: scores[i]! }))
  order.sort((a, b) => (a.score < b.score ? -1 : a.score > b.score ? 1 : 0))
  let passed = 0n
  for (const { stake, score } of order) {
    passed += stake
    if (minority < passed) return score
  }
  return order.at(-1)?.score ?? 0n
}

const clamp = (bits: bigint, low: bigint, high: bigint): bigint =>
  bits < low ? low : bits > high ? high : bits

function alphaOf(state: YumaState, consensus: bigint, weight: bigint, bond: bigint): bigint {
  const { low, high, steepness } = state.parameters.liquidAlpha!
  const [lowBits, highBits] = [low, high].map((value) => divideBits(bitsOf(value), bitsOf(65_535)))
  const difference = weight >= bond ? subtractBits(weight, consensus) : subtractBits(bond, weight)
  const distance = clamp(difference, 0n, ONE_BITS)
  const slope = divideBits(bitsOf(steepness), bitsOf(-100))
  const power = multiplyBits(slope, subtractBits(distance, ONE_BITS / 2n))
  const sigmoid = divideBits(ONE_BITS, addBits(ONE_BITS, expBits(power)))
  const alpha = addBits(lowBits!, multiplyBits(sigmoid, subtractBits(highBits!, lowBits!)))
  return clamp(alpha, lowBits!, highBits!)
}

/** What `runYuma` gives, as plain lists. Rows must be in ascending order of uid. */
export function referenceEpoch(state: YumaState, emission: bigint) {
  const { neurons, parameters: rules, ownerUid, block } = state
  const n = neurons.length
  const uids = Array.from({ length: n }, (_, uid) => uid)
  const counted = neurons.map(({ stake }, uid) =>
    uid !== ownerUid && stake < rules.stakeThreshold ? 0n : stake,
  )
  const all = counted.reduce((a, b) => a + b, 0n)
  const stake = counted.map((one) => (all === 0n ? 0n : (one << 64n) / all / 2n ** 32n))
  const seat = neurons.map(({ permit }, uid) => permit || uid === ownerUid)
  const active = neurons.map(({ lastUpdate }) => lastUpdate + rules.activityCutoff >= block)
  const A = shares(stake.map((one, uid) => (seat[uid] && active[uid] ? one : 0n)))
  const raw = map(cellsOf(state.weights, n), (cell, i, j) => {
    const { lastUpdate, committedAt } = neurons[i]!
    const { registeredAt } = neurons[j]!
    const hidden = rules.commitReveal && committedAt !== undefined && committedAt < registeredAt
    const self = i === j && i !== ownerUid
    return !seat[i] || self || hidden || lastUpdate <= registeredAt ? undefined : cell
  })
  const W = map(raw, (cell, i) => (total(raw[i]!) > 0n ? divideBits(cell, total(raw[i]!)) : cell))
  const voters = uids.filter((uid) => A[uid]! > 0n)
  const votes = shares(voters.map((uid) => A[uid]!))
  const kappa = divideBits(bitsOf(rules.kappa), bitsOf(65_535))
  const minority = subtractBits(total(votes), kappa)
  const C = uids.map((j) =>
    median(
      votes,
      voters.map((i) => W[i]![j] ?? 0n),
      minority,
    ),
  )
  const clipped = map(W, (cell, _, j) => (C[j]! < cell ? positive(C[j]!) : cell))
  const I = shares(
    uids.map((j) => total(column(clipped, j).map((cell, i) => multiplyBits(A[i]!, cell ?? 0n)))),
  )
  const penalty = divideBits(bitsOf(rules.bondsPenalty), bitsOf(65_535))
  const between = uids.map((i) =>
    uids.map((j) => {
      const [from, to] = [W[i]![j] ?? 0n, clipped[i]![j] ?? 0n]
      return positive(addBits(from, multiplyBits(penalty, subtractBits(to, from))))
    }),
  )
  const V = penalty === 0n ? W : penalty === ONE_BITS ? clipped : between
  const since = state.lastEpochBlock === 0 ? block - state.tempo : state.lastEpochBlock + 1
  const B = map(cellsOf(state.bonds, n), (cell, _, j) =>
    Math.max(0, since) <= neurons[j]!.registeredAt ? undefined : cell,
  )
  const part = subtractBits(ONE_BITS, divideBits(bitsOf(rules.bondsMovingAverage), bitsOf(1e6)))
  const follow = (now: Cells, before: Cells): Cells =>
    uids.map((i) =>
      uids.map((j) => {
        const kept = multiplyBits(subtractBits(ONE_BITS, part), before[i]![j] ?? 0n)
        return positive(addBits(multiplyBits(part, now[i]![j] ?? 0n), kept))
      }),
    )
  let E: Cells
  let D: bigint[]
  if (rules.yuma3) {
    const before = map(B, (cell) => divideBits(cell, bitsOf(65_535)))
    const liquid = rules.liquidAlpha !== undefined && C.some((value) => value !== 0n)
    E = liquid
      ? map(V, (weight, i, j) => {
          const bond = before[i]![j] ?? 0n
          const alpha = alphaOf(state, C[j]!, weight, bond)
          const kept = multiplyBits(subtractBits(ONE_BITS, alpha), bond)
          return positive(clamp(addBits(kept, multiplyBits(alpha, weight)), 0n, ONE_BITS))
        })
      : follow(V, before)
    const parts = map(columnShares(E), (cell, _, j) => multiplyBits(cell, I[j]!))
    D = shares(parts.map((row, i) => multiplyBits(total(row), A[i]!)))
  } else {
    const delta = columnShares(map(V, (cell, i) => multiplyBits(cell, A[i]!)))
    const parts = columnShares(follow(delta, columnShares(B)))
    D = shares(parts.map((row) => total(row.map((cell, j) => multiplyBits(I[j]!, cell ?? 0n)))))
    E = map(parts, (cell, _, j) => {
      const most = column(parts, j).reduce<bigint>((a, b) => (b !== undefined && b > a ? b : a), 0n)
      return most === 0n ? cell : divideBits(cell, most)
    })
  }
  const both = uids.map((uid) => addBits(I[uid]!, D[uid]!))
  const sum = total(both)
  const fallback = total(A) === 0n ? stake : A
  const part16 = (values: readonly bigint[]) =>
    sum === 0n ? fallback : values.map((value) => divideBits(value, sum))
  const amount = (bits: bigint): bigint => (bits * emission) >> 32n
  const order = [...uids].sort((a, b) => Number(stake[a]! - stake[b]!) || a - b)
  const out = new Set(order.slice(0, Math.max(0, n - rules.maxValidators)))
  const permit = uids.map((uid) => uid === ownerUid || (stake[uid] !== 0n && !out.has(uid)))
  return uids.map((uid) => ({
    stakeWeight: u16(stake[uid]!),
    active: active[uid]!,
    permit: permit[uid]!,
    consensus: u16(C[uid]!),
    incentive: u16(I[uid]!),
    dividends: u16(D[uid]!),
    validatorTrust: u16(total(clipped[uid]!)),
    minerEmission: amount(sum === 0n ? 0n : part16(I)[uid]!),
    validatorEmission: amount(part16(D)[uid]!),
    emission: amount(part16(both)[uid]!),
    bonds: permit[uid]
      ? E[uid]!.flatMap((cell, j) => (cell === undefined ? [] : [[j, u16(cell)] as const]))
      : [],
  }))
}

// Expected numbers are those of the runtime's own unit tests (pallets/subtensor/src/tests/epoch.rs, spec 425).
import { expect, test } from 'vitest'
import { runYuma } from '../../../src/chain/yuma/epoch.ts'
import type { NeuronOutcome, Row, YumaState } from '../../../src/chain/yuma/state.ts'
import { type Sketch, yumaState } from '../../support/yuma-state.ts'

const TAO = 1_000_000_000n

/** Runs one epoch and carries bonds and seats into the next sketch. */
function epochs(first: Sketch): (change?: Partial<Sketch>) => NeuronOutcome[] {
  let state: YumaState = yumaState(first)
  let sketch = first
  return (change = {}) => {
    sketch = { ...sketch, ...change }
    state = yumaState({ ...sketch, bonds: state.bonds })
    const outcomes = runYuma(state, TAO)
    state = { ...state, bonds: outcomes.map(({ bonds }) => bonds) }
    return outcomes
  }
}

const bond = (outcomes: readonly NeuronOutcome[], miner: number): (number | undefined)[] =>
  outcomes.slice(0, 4).map(({ bonds }) => new Map(bonds).get(miner))
const emission = (outcomes: readonly NeuronOutcome[]): number[] =>
  outcomes.map((one) => Number(one.emission))
const half = 1_000_000_000 / 2

test('test_bonds: eight epochs in which validators turn away one after another', () => {
  const all: Row = [
    [4, 16_383],
    [5, 32_767],
    [6, 49_149],
    [7, 65_535],
  ]
  const self = (uid: number): Row => [[uid, 65_535]]
  const run = epochs({
    stakes: [1, 2, 3, 4, 0, 0, 0, 0],
    weights: { 0: all, 1: all, 2: all, 3: all },
  })
  // biome-ignore format: a row per epoch
  const steps: [Record<number, Row>, miner: number, bonds: number[], emission: number[]][] = [
    [{ 0: all, 1: all, 2: all, 3: all }, 4, [16_383, 32_767, 49_151, 65_535],
      [49_999_998, 99_999_999, 150_000_000, 200_000_001, 49_998_779, 100_000_610, 149_996_337, 200_004_272]],
    [{ 0: self(0), 1: all, 2: all, 3: all }, 4, [14_582, 32_767, 49_151, 65_535],
      [44_998_351, 101_110_561, 151_667_215, 202_223_870, 49_998_779, 100_000_610, 149_996_337, 200_004_272]],
    [{ 0: self(0), 1: self(1), 2: all, 3: all }, 4, [12_603, 28_321, 49_151, 65_535],
      [40_496_805, 90_999_783, 157_929_636, 210_573_773, 49_998_779, 100_000_610, 149_996_337, 200_004_272]],
    [{ 0: self(0), 1: self(1), 2: self(2), 3: all }, 7, [12_602, 28_320, 49_150, 65_535],
      [99_999_999, 199_999_999, 299_999_999, 399_999_999, 0, 0, 0, 0]],
    [{ 0: self(0), 1: self(1), 2: self(7), 3: all }, 7, [10_951, 24_609, 49_150, 65_535],
      [36_443_733, 81_898_628, 163_565_493, 218_092_144, 0, 0, 0, half]],
    [{ 0: self(0), 1: self(1), 2: self(7), 3: all }, 7, [9_559, 21_482, 49_150, 65_535],
      [32_799_427, 73_706_612, 168_638_129, 224_855_830, 0, 0, 0, half]],
    [{ 0: self(0), 1: self(1), 2: self(7), 3: all }, 7, [8_376, 18_824, 49_150, 65_535],
      [29_518_068, 66_336_137, 173_203_134, 230_942_659, 0, 0, 0, half]],
    [{ 0: self(0), 1: self(1), 2: self(7), 3: all }, 7, [7_363, 16_549, 49_150, 65_535],
      [26_565_175, 59_701_871, 177_311_856, 236_421_095, 0, 0, 0, half]],
  ]
  for (const [at, [weights, miner, bonds, emitted]] of steps.entries()) {
    const outcomes = run({ block: at + 1, weights })
    expect(bond(outcomes, miner), `bonds of epoch ${at + 1}`).toEqual(bonds)
    expect(emission(outcomes), `emission of epoch ${at + 1}`).toEqual(emitted)
  }
})

test('test_active_stake: a validator past the cutoff keeps its bonds but moves none', () => {
  const weights: Row = [
    [2, 65_535],
    [3, 65_535],
  ]
  const both = { 0: weights, 1: weights }
  const run = epochs({ stakes: [1, 1, 1, 1], weights: both })
  const first = run()
  expect(first.map(({ dividends }) => dividends)).toEqual([32_767, 32_767, 0, 0])
  expect(emission(first)).toEqual([250_000_000, 250_000_000, 250_000_000, 250_000_000])
  expect(first[0]!.bonds).toEqual(weights)
  const late = run({ block: 5002, neurons: { 1: { lastUpdate: 1 } } })
  expect(late.map(({ active }) => active)).toEqual([true, false, false, false])
  expect(late.map(({ dividends }) => dividends)).toEqual([36_044, 29_490, 0, 0])
  expect(emission(late)).toEqual([274_999_999, 224_999_999, 250_000_000, 250_000_000])
  expect(bond(late, 2).slice(0, 2)).toEqual([65_535, 53_619])
  const back = run({ block: 5003, neurons: { 0: { lastUpdate: 5002 }, 1: { lastUpdate: 5002 } } })
  expect(back.map(({ dividends }) => dividends)).toEqual([35_716, 29_818, 0, 0])
  expect(emission(back)).toEqual([272_501_132, 227_498_866, 250_000_000, 250_000_000])
  expect(bond(back, 3).slice(0, 2)).toEqual([65_535, 54_712])
})

test('test_outdated_weights: weights and bonds on who registered later do not count', () => {
  const weights: Row = [
    [2, 65_535],
    [3, 32_768],
  ]
  const both = { 0: weights, 1: weights, 2: [[2, 65_535]] as Row, 3: [[3, 65_535]] as Row }
  const run = epochs({ stakes: [1, 1, 1, 1], weights: both, tempo: 0 })
  const first = run({ block: 1 })
  expect(emission(first)).toEqual([250_000_000, 250_000_000, 333_331_637, 166_668_361])
  const next = run({
    stakes: [1, 1, 1, 0],
    block: 2,
    neurons: {
      1: { lastUpdate: 1 },
      2: { lastUpdate: 1 },
      3: { lastUpdate: 1, registeredAt: 1, permit: false },
    },
  })
  expect(next.map(({ dividends }) => dividends)).toEqual([32_767, 32_767, 0, 0])
  expect(emission(next)).toEqual([250_000_000, 250_000_000, 500_000_000, 0])
  expect(next[0]!.bonds).toEqual([
    [2, 65_535],
    [3, 65_535],
  ])
})

test('test_zero_weights: without weights that count, stake earns', () => {
  const [set, self]: Row[] = [[[1, 65_535]], [[1, 65_535]]]
  const of = (sketch: Partial<Sketch>): number[] =>
    emission(runYuma(yumaState({ stakes: [1, 0], tempo: 65_534, ...sketch }), TAO))
  expect(of({ block: 0 })).toEqual([1_000_000_000, 0])
  expect(of({ block: 1, weights: { 1: self! } })).toEqual([1_000_000_000, 0])
  const neurons = { 1: { registeredAt: 2 } }
  expect(of({ block: 2, weights: { 0: set! }, neurons })).toEqual([1_000_000_000, 0])
  expect(of({ block: 3, weights: { 0: set! }, neurons })).toEqual([half, half])
})

test('test_10_graph: self-weights alone give each its stake', () => {
  const weights = Object.fromEntries(
    Array.from({ length: 10 }, (_, uid) => [uid, [[uid, 65_535] as const]]),
  )
  const outcomes = runYuma(yumaState({ stakes: Array(10).fill(1), weights }), TAO)
  for (const one of outcomes)
    expect(one).toMatchObject({ consensus: 0, incentive: 0, dividends: 0, emission: 99_999_999n })
})

test('test_512_graph: 64 validators among the uids agree on 448 miners', () => {
  const { validators, miners } = dealt(512, 64, 2)
  const row: Row = miners.map((uid) => [uid, 65_535] as const)
  const stakes = Array.from({ length: 512 }, (_, uid) =>
    validators.includes(uid) ? 328_125_000_000_000n : 0n,
  )
  const weights = Object.fromEntries(validators.map((uid) => [uid, row]))
  const run = epochs({ stakes, weights, tempo: 0 })
  run({ block: 1 })
  run({ block: 2 })
  const outcomes = run({ block: 3 })
  const paid = { consensus: 0, incentive: 0, dividends: 1023, emission: 7_812_500n }
  const earned = { consensus: 146, incentive: 146, dividends: 0, emission: 1_116_071n }
  for (const uid of validators) expect(outcomes[uid]).toMatchObject({ ...paid, bonds: row })
  for (const uid of miners) expect(outcomes[uid]).toMatchObject({ ...earned, bonds: [] })
})

/** Validators first, last, or one at every eighth uid. */
function dealt(n: number, seats: number, by: number): { validators: number[]; miners: number[] } {
  const uids = Array.from({ length: n }, (_, uid) => uid)
  const isValidator = (uid: number): boolean =>
    by === 0 ? uid < seats : by === 1 ? uid >= n - seats : uid % (n / seats) === 0
  return { validators: uids.filter(isValidator), miners: uids.filter((uid) => !isValidator(uid)) }
}

test('test_can_set_self_weight_as_subnet_owner: the owner may weigh itself', () => {
  const equal: Row = [
    [0, 32_767],
    [1, 32_767],
  ]
  const neurons = { 1: { permit: false } }
  const sketch = { stakes: [5_000_000_000_000n, 0], weights: { 0: equal }, neurons, block: 2 }
  const [owner, other] = runYuma(yumaState({ ...sketch, ownerUid: 0 }), TAO)
  expect(owner!.minerEmission).toBe(other!.minerEmission)
  expect(owner!.minerEmission).toBeGreaterThan(0n)
  const [stranger] = runYuma(yumaState(sketch), TAO)
  expect(stranger!.minerEmission).toBe(0n)
})

test.each([
  [2, 1],
  [4, 2],
  [8, 4],
])('test_validator_permits: the %i highest of stakes have seats', (n, seats) => {
  for (const by of [0, 1, 2]) {
    const { validators, miners } = dealt(n, seats, by)
    const stakes = Array.from({ length: n }, (_, uid) => (validators.includes(uid) ? uid + n : uid))
    const rules = { maxValidators: seats, stakeThreshold: BigInt(seats) }
    const permits = (of: number[]): boolean[] =>
      runYuma(yumaState({ stakes: of, parameters: rules }), TAO).map(({ permit }) => permit)
    const before = permits(stakes)
    for (const uid of validators) expect(before[uid]).toBe(true)
    for (const uid of miners) expect(before[uid]).toBe(false)
    const after = permits(
      stakes.map((stake, uid) => (miners.includes(uid) ? stake + 2 * n : stake)),
    )
    for (const uid of validators) expect(after[uid]).toBe(false)
    for (const uid of miners) expect(after[uid]).toBe(true)
  }
})

test('test_deregistered_miner_bonds: bonds on a uid that changed hands end', () => {
  const weights: Row = [
    [2, 65_534],
    [3, 32_767],
  ]
  const run = epochs({ stakes: [1, 1, 1, 1], weights: { 0: weights, 1: weights }, tempo: 2 })
  const before = run({ block: 4 })
  expect(bond(before, 3)[0]).toBeGreaterThan(0)
  const neurons = { 0: { lastUpdate: 5 }, 1: { lastUpdate: 5 }, 3: { registeredAt: 5 } }
  const after = run({ block: 6, neurons })
  expect(bond(after, 2)[0]).toBeGreaterThanOrEqual(bond(before, 2)[0]!)
  expect(bond(after, 3)[0] ?? 0).toBeLessThanOrEqual(bond(before, 3)[0]!)
})

test('test_epoch_does_not_mask_outside_window_but_masks_inside: an open commit hides later arrivals', () => {
  const weights: Row = [
    [1, 21_845],
    [2, 21_845],
    [3, 21_845],
  ]
  const arrivals = { 1: { registeredAt: 10 }, 2: { registeredAt: 40 }, 3: { registeredAt: 40 } }
  const neurons = { ...arrivals, 0: { committedAt: 39 } }
  const sketch = { stakes: [10_000, 1000, 1000, 1000], weights: { 0: weights }, block: 41, neurons }
  const incentives = (commitReveal: boolean): number[] =>
    runYuma(yumaState({ ...sketch, parameters: { commitReveal } }), 1000n).map(
      ({ incentive }) => incentive,
    )
  const [, old, mid, fresh] = incentives(true)
  expect([old! > 0, mid, fresh]).toEqual([true, 0, 0])
  expect(
    incentives(false)
      .slice(1)
      .every((incentive) => incentive > 0),
  ).toBe(true)
})

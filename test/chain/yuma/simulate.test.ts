import { expect, test } from 'vitest'
import type { Scenario } from '../../../src/chain/yuma/scenario.ts'
import { type Course, type SimulatedEpoch, simulate } from '../../../src/chain/yuma/simulate.ts'
import type { Row, YumaParameters } from '../../../src/chain/yuma/state.ts'
import { applyWhatIf, type WhatIf } from '../../../src/chain/yuma/what-if.ts'
import { yumaState } from '../../support/yuma-state.ts'

const TAO = 1_000_000_000n
const nothing: WhatIf = { weights: [], stakes: [] }
const plain: Course = { epochs: 1, drift: 0, hiddenEpochs: 0 }
const COPIER = 3

/** Four validators of equal mind, the last of which may copy, and six miners. */
function market(rules: Partial<YumaParameters> = {}): Scenario {
  const stakes = [300, 250, 200, 250, 0, 0, 0, 0, 0, 0]
  const judged: Row = [4, 5, 6, 7, 8, 9].map((uid) => [uid, 9_000 + 7_000 * (uid - 4)] as const)
  const state = yumaState({
    stakes,
    weights: { 0: judged, 1: judged, 2: judged, 3: judged },
    block: 1000,
    tempo: 360,
    lastEpochBlock: 640,
    neurons: Object.fromEntries(stakes.map((stake, uid) => [uid, { permit: stake > 0 }])),
    parameters: rules,
  })
  return { hotkeys: stakes.map((_, uid) => `hotkey ${uid}`), state, emission: 100n * TAO }
}

const liquid = { yuma3: true, liquidAlpha: { low: 6553, high: 58_982, steepness: 1000 } }

const trustOf = (history: readonly SimulatedEpoch[], uid: number): number =>
  history.reduce((sum, { outcomes }) => sum + outcomes[uid]!.validatorTrust / 65_535, 0) /
  history.length
const paid = (history: readonly SimulatedEpoch[], uid: number): bigint =>
  history.reduce((sum, { outcomes }) => sum + outcomes[uid]!.validatorEmission, 0n)

test.each([
  ['Yuma2', {}],
  ['Yuma3 with liquid alpha', liquid],
] as const)('%s: a copier is trusted less and paid less where weights are hidden', (_, rules) => {
  const course = { epochs: 30, drift: 0.15, copier: COPIER }
  const honest = simulate(market(rules), { ...course, copier: undefined, hiddenEpochs: 0 })
  const open = simulate(market(rules), { ...course, hiddenEpochs: 0 })
  const hidden = simulate(market(rules), { ...course, hiddenEpochs: 1 })
  const longer = simulate(market(rules), { ...course, hiddenEpochs: 3 })
  expect(trustOf(open, COPIER)).toBeGreaterThan(0.999)
  expect(paid(open, COPIER)).toBeGreaterThan((paid(honest, COPIER) * 99n) / 100n)
  expect(trustOf(hidden, COPIER)).toBeLessThan(0.97)
  expect(trustOf(longer, COPIER)).toBeLessThan(trustOf(hidden, COPIER))
  expect(paid(hidden, COPIER)).toBeLessThan(paid(open, COPIER))
  expect(paid(longer, COPIER)).toBeLessThan(paid(hidden, COPIER))
})

test('hiding costs those who judge for themselves nothing', () => {
  const course = { epochs: 20, drift: 0.15 }
  for (const hiddenEpochs of [0, 1]) {
    const history = simulate(market(), { ...course, hiddenEpochs })
    for (const uid of [0, 1, 2, 3]) expect(trustOf(history, uid)).toBeGreaterThan(0.999)
  }
})

test('a cabal of less than half gains no more than what it withholds from others, and loses its own dividends', () => {
  const fair = simulate(market(), { ...plain, epochs: 10 })
  const cabal = applyWhatIf(market(), { ...nothing, cabal: { validators: [1, 2], miner: 4 } })
  const run = simulate(cabal, { ...plain, epochs: 10 })
  const of = (history: readonly SimulatedEpoch[], uid: number) => history.at(-1)!.outcomes[uid]!
  expect(of(run, 4).incentive).toBeLessThan(of(fair, 4).incentive / 0.55)
  expect(of(run, 1).dividends + of(run, 2).dividends).toBeLessThan(
    (of(fair, 1).dividends + of(fair, 2).dividends) / 2,
  )
  expect(of(run, 1).validatorTrust).toBeLessThan(20_000)
})

test('a cabal with the majority of stake has its way', () => {
  const cabal = applyWhatIf(market(), { ...nothing, cabal: { validators: [0, 1], miner: 4 } })
  const { outcomes } = simulate(cabal, plain)[0]!
  expect(outcomes[4]!.incentive).toBe(65_535)
})

test('one weight, one stake, kappa and the emission can be otherwise', () => {
  const whatIf: WhatIf = {
    weights: [
      { from: 0, to: 9, value: 0 },
      { from: 0, to: 4, value: 1 },
    ],
    stakes: [{ uid: 2, stake: 5n }],
    kappa: 10_000,
    yuma3: true,
    emission: 7n,
  }
  const { state, emission } = applyWhatIf(market(), whatIf)
  expect(state.weights[0]!.map(([uid]) => uid)).toEqual([4, 5, 6, 7, 8])
  expect(new Map(state.weights[0]).get(4)).toBe(1)
  expect(state.neurons[2]!.stake).toBe(5n)
  expect(state.neurons[0]!.lastUpdate).toBe(999)
  expect([state.parameters.kappa, state.parameters.yuma3, emission]).toEqual([10_000, true, 7n])
})

test('a uid that is not there is refused', () => {
  const code = { code: 'BAD_CONFIG_UID' }
  const weights = [{ from: 10, to: 0, value: 1 }]
  expect(() => applyWhatIf(market(), { ...nothing, weights })).toThrow(
    expect.objectContaining(code),
  )
  expect(() => simulate(market(), { ...plain, copier: 10 })).toThrow(expect.objectContaining(code))
})

test('epochs follow one another by a tempo, and who has been inactive stays so', () => {
  const scenario = market()
  const neurons = scenario.state.neurons.map((one, uid) =>
    uid === 1 ? { ...one, lastUpdate: 1 } : one,
  )
  const rules = { ...scenario.state.parameters, activityCutoff: 500 }
  const sleepy = { ...scenario, state: { ...scenario.state, neurons, parameters: rules } }
  const history = simulate(sleepy, { ...plain, epochs: 4 })
  expect(history.map(({ block }) => block)).toEqual([1000, 1360, 1720, 2080])
  expect(history.map(({ outcomes }) => outcomes[1]!.active)).toEqual([false, false, false, false])
  expect(history.map(({ outcomes }) => outcomes[0]!.active)).toEqual([true, true, true, true])
})

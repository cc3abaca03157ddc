import { expect, test } from 'vitest'
import { runYuma } from '../../../src/chain/yuma/epoch.ts'
import type { Row, YumaState } from '../../../src/chain/yuma/state.ts'
import { belowFrom } from '../../support/random.ts'
import { randomState } from '../../support/random-yuma.ts'

const EMISSION = 295_200_000_000n
const SEEDS = Array.from({ length: 80 }, (_, seed) => seed)
const kinds = [
  ['Yuma2', {}],
  ['Yuma3', { yuma3: true, liquidAlpha: { low: 6553, high: 49_151, steepness: 1000 } }],
] as const

test.each(kinds)('%s: what is paid is the whole emission, but for the last bits', (_, rules) => {
  for (const seed of SEEDS) {
    const state = randomState(seed, rules)
    const outcomes = runYuma(state, EMISSION)
    const sum = (of: (one: (typeof outcomes)[number]) => bigint): bigint =>
      outcomes.reduce((total, one) => total + of(one), 0n)
    const stake = outcomes.some(({ stakeWeight }) => stakeWeight > 0)
    const parts = sum((one) => one.minerEmission + one.validatorEmission)
    for (const paid of [sum(({ emission }) => emission), parts]) {
      expect(paid <= EMISSION, `seed ${seed}`).toBe(true)
      // Each of n proportions loses less than 2^-32 at each rounding; there are at most three on the way.
      const lost = EMISSION - paid
      const most = (3n * BigInt(state.neurons.length) * EMISSION) / 2n ** 32n + 24n
      expect(!stake || lost <= most, `seed ${seed} lost ${lost}`).toBe(true)
    }
  }
})

/** The same network with its uids dealt anew. */
function permuted(state: YumaState, to: readonly number[]): YumaState {
  const from = to.map((_, uid) => to.indexOf(uid))
  const row = (cells: Row): Row =>
    cells.map(([uid, value]) => [to[uid]!, value] as const).sort(([a], [b]) => a - b)
  const move = <T>(values: readonly T[]): T[] => from.map((uid) => values[uid]!)
  return {
    ...state,
    ownerUid: state.ownerUid === undefined ? undefined : to[state.ownerUid],
    neurons: move(state.neurons),
    weights: move(state.weights).map(row),
    bonds: move(state.bonds).map(row),
  }
}

test.each(kinds)('%s: nothing depends on who has which uid', (_, rules) => {
  for (const seed of SEEDS) {
    const random = randomState(seed, rules)
    // Equal stakes would share a seat by uid, as the runtime has it.
    const neurons = random.neurons.map((one, uid) => ({
      ...one,
      stake: one.stake + BigInt(uid + 1) * 10n ** 8n,
    }))
    const state = { ...random, neurons }
    const below = belowFrom(seed + 1000)
    const to = state.neurons.map((_, uid) => uid)
    for (let i = to.length - 1; i > 0; i--) {
      const j = below(i + 1)
      ;[to[i], to[j]] = [to[j]!, to[i]!]
    }
    const before = runYuma(state, EMISSION)
    const after = runYuma(permuted(state, to), EMISSION)
    for (const [uid, { bonds, ...rest }] of before.entries()) {
      const { bonds: moved, ...same } = after[to[uid]!]!
      expect(same, `seed ${seed}`).toEqual(rest)
      expect(new Map(moved)).toEqual(new Map(bonds.map(([miner, value]) => [to[miner]!, value])))
    }
  }
})

test.each(kinds)('%s: a validator without stake changes nothing for anybody', (_, rules) => {
  for (const seed of SEEDS) {
    const state = randomState(seed, { ...rules, maxValidators: 64 })
    // Without stake there is no seat. Should one be left from before, its Yuma3 bonds thin out those of others once.
    const permit = !state.parameters.yuma3
    const newcomer = { stake: 0n, permit, lastUpdate: state.block, registeredAt: 0 }
    const loud: Row = state.neurons.map((_, uid) => [uid, 1 + uid] as const)
    const more: YumaState = {
      ...state,
      neurons: [...state.neurons, newcomer],
      weights: [...state.weights, loud],
      bonds: [...state.bonds, []],
    }
    const before = runYuma(state, EMISSION)
    const after = runYuma(more, EMISSION)
    expect(after.slice(0, -1), `seed ${seed}`).toEqual(before)
    expect(after.at(-1)).toMatchObject({ incentive: 0, dividends: 0, emission: 0n, permit: false })
  }
})

test.each(kinds)('%s: no share leaves its bounds', (_, rules) => {
  for (const seed of SEEDS) {
    const state = randomState(seed, rules)
    for (const { bonds, validatorTrust, consensus } of runYuma(state, EMISSION)) {
      for (const value of [validatorTrust, consensus, ...bonds.map(([, bond]) => bond)]) {
        expect(value).toBeGreaterThanOrEqual(0)
        expect(value).toBeLessThanOrEqual(65_535)
      }
    }
  }
})

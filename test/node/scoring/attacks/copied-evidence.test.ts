import { expect, test } from 'vitest'
import { runYuma } from '../../../../src/chain/yuma/epoch.ts'
import type { Row } from '../../../../src/chain/yuma/state.ts'
import { withRows } from '../../../../src/chain/yuma/what-if.ts'
import type { Testimony } from '../../../../src/node/scoring/evidence.ts'
import { randomFrom } from '../../../support/random.ts'
import {
  type Card,
  H100,
  honest,
  reportOn,
  rowOf,
  type Shown,
  slowed,
  times,
} from '../../../support/shown-slots.ts'
import { yumaState } from '../../../support/yuma-state.ts'

/** Five cards that work, one whose openings are wrong, one that is silent in every third slot. */
const market = Array.from({ length: 40 }, (_, slot): Shown[] => [
  ...times<Shown>(6, H100),
  slot % 3 === 0 ? null : H100,
])
const CHEAT = 5

const looked = (validator: string, shown: readonly Shown[]): Testimony => {
  const told = honest(validator, shown)
  const verdicts = told.verdicts.map((one, i) =>
    i === CHEAT ? { ...one, verdict: 'BAD_PATH' } : one,
  )
  return { ...told, verdicts }
}

/**
 * What counts of a copier. Its report cannot: it would have had to commit to it before anybody's was public. Its verdicts
 * name the witnesses of others, which are bound to who looked.
 */
const copied = (validator: string, shown: readonly Shown[]): Testimony => ({
  validator,
  rows: [],
  verdicts: looked(validator, shown).verdicts.map((one) => ({
    ...one,
    ...(one.verdict === 'VALID' ? { falseWitness: true } : {}),
  })),
})

/** Scores where so many of a hundred of stake copy, or are not there at all. */
function scoresWith(copiers: number, word?: typeof copied): number[] {
  const validators = [
    { validator: 'looks', stake: BigInt(100 - copiers) },
    { validator: 'copies', stake: BigInt(copiers) },
  ]
  const said = (shown: readonly Shown[]) => [
    looked('looks', shown),
    ...(word === undefined ? [] : [word('copies', shown)]),
  ]
  const { miners } = reportOn(market, said, { validators })
  return market[0]!.map((_, i) => miners.get(rowOf(i, null).hotkey)?.score ?? 0)
}

test('validators that copy evidence with less than half of the stake move no score by a millionth', () => {
  const alone = scoresWith(0)
  expect(alone[0]).toBeGreaterThan(0)
  expect(alone[CHEAT]).toBe(0)
  for (const copiers of [1, 10, 30, 49]) {
    expect(scoresWith(copiers, copied)).toEqual(alone)
    expect(scoresWith(copiers)).toEqual(alone)
  }
})

test('where half of the stake copies nothing is so any more, and nobody is paid for what nobody saw', () => {
  for (const copiers of [50, 60])
    expect(scoresWith(copiers, copied).every((one) => one === 0)).toBe(true)
})

const [EPOCHS, WINDOW, SLOTS_PER_EPOCH, MINERS] = [60, 32, 2, 8]
const COPIER = 3

/** What miners show slot by slot: each one's speed walks up or down. */
function walking(slots: number): Card[][] {
  const random = randomFrom(5)
  let speeds = times(MINERS, 0.7)
  return Array.from({ length: slots }, () => {
    speeds = speeds.map((one) => Math.min(1, Math.max(0.4, one + (random() - 0.5) / 5)))
    return speeds.map((speed) => slowed(H100, speed))
  })
}

/** What a copier is paid, as a share of what as much stake is paid that looks, when evidence is public so many epochs late. */
function paidWhenLate(epochsLate: number): number {
  const slots = walking(WINDOW + (EPOCHS + 4) * SLOTS_PER_EPOCH)
  const rowAt = (epoch: number): Row => {
    const end = WINDOW + (epoch + 4) * SLOTS_PER_EPOCH
    const { miners } = reportOn(slots.slice(end - WINDOW, end))
    const scores = times(MINERS, 0).map((_, i) => miners.get(rowOf(i, null).hotkey)!.score)
    const most = Math.max(...scores)
    return scores.map((one, i) => [COPIER + 1 + i, Math.round((65_535 * one) / most)] as const)
  }
  const stakes = [...times(COPIER + 1, 250), ...times(MINERS, 0)]
  let state = yumaState({
    stakes,
    weights: {},
    block: 1000,
    tempo: 360,
    lastEpochBlock: 640,
    neurons: Object.fromEntries(stakes.map((stake, uid) => [uid, { permit: stake > 0 }])),
  })
  let [copier, others] = [0n, 0n]
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const seen = rowAt(epoch)
    const rows = new Map([0, 1, 2].map((uid) => [uid, seen]))
    state = withRows(state, rows.set(COPIER, rowAt(epoch - epochsLate)))
    const outcomes = runYuma(state, 100_000_000_000n)
    copier += outcomes[COPIER]!.validatorEmission
    others += outcomes[0]!.validatorEmission
    state = {
      ...state,
      block: state.block + state.tempo,
      lastEpochBlock: state.block,
      neurons: state.neurons.map((one, uid) => ({ ...one, permit: outcomes[uid]!.permit })),
      bonds: outcomes.map(({ bonds }) => bonds),
    }
  }
  return Number((copier * 100_000n) / others) / 100_000
}

// notes/scoring.md §9: 1.001 where reports are public at once, as they are; 0.974 were they two epochs late.
test('who weighs by public evidence alone is paid what those are paid that look, and less only were it late', () => {
  const [atOnce, one, two, four] = [0, 1, 2, 4].map(paidWhenLate) as [
    number,
    number,
    number,
    number,
  ]
  expect(atOnce).toBeCloseTo(1, 3)
  expect(one).toBeLessThan(atOnce)
  expect(two).toBeLessThan(one)
  expect(four).toBeLessThan(two)
})

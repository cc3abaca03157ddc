import { expect, test } from 'vitest'
import { slotNetworks } from '../../../src/gpu/slot-network.ts'
import { agree } from '../../../src/node/scoring/agree.ts'
import { PUBLIC_CONSTANTS as C, constantsOf } from '../../../src/node/scoring/constants.ts'
import { gpuScore, type ScoredSlot } from '../../../src/node/scoring/gpu-score.ts'
import { type IdleSlot, leasedUnits } from '../../../src/node/scoring/leased.ts'
import { minerWeights } from '../../../src/node/scoring/miner-weights.ts'
import type { Outcome } from '../../../src/node/scoring/slot-outcome.ts'
import { rate, units } from '../../../src/node/scoring/units.ts'
import { randomFrom } from '../../support/random.ts'

// notes/scoring.md §8. The seed is fixed, so a failure repeats; each loop is bounded to well under a second.
const random = randomFrom(5)
const card = () => ({ v: 8 + random() * 184, b: 200 + random() * 7800, t: 8 + random() * 2500 })

/** Random shares of 1 for k identities, some of them nothing. */
function shares(k: number): number[] {
  const parts = Array.from({ length: k }, () => (random() < 0.3 ? 0 : -Math.log(random() + 1e-12)))
  const sum = parts.reduce((a, b) => a + b, 0) || 1
  return parts.map((part) => part / sum)
}

/** What a card showed when it was one. */
const shownIdle = (x: ReturnType<typeof card>): IdleSlot => ({
  slot: 0,
  units: units(x, C),
  gbps: x.b,
  tops: x.t,
})

test('no partition of a card over idle and leased identities earns more than the card', () => {
  let [checked, leased] = [0, 0]
  for (let i = 0; i < 20_000; i++) {
    const x = card()
    const k = 2 + Math.floor(random() * 7)
    const whole = units(x, C) * rate(x.v, true, C)
    if (whole === 0) continue
    const [pv, pb, pt] = [shares(k), shares(k), shares(k)]
    let sum = 0
    for (let j = 0; j < k; j++) {
      const part = { v: x.v * pv[j]!, b: x.b * pb[j]!, t: x.t * pt[j]! }
      if (random() < 0.35) {
        const worth = leasedUnits(shownIdle(x), part, 0, false, C)
        sum += worth * rate(x.v, true, C)
        if (worth > 0) leased++
      } else sum += units(part, C) * rate(part.v, true, C)
    }
    if (sum > whole * (1 + 1e-5) + k * 1e-6) expect({ sum, whole, x, pv, pb, pt }).toBe('less')
    checked++
  }
  expect(checked).toBeGreaterThan(10_000)
  expect(leased).toBeGreaterThan(5000)
})

test('one idle and one leased identity that share one card, the worst of them, earn no more than the card', () => {
  const x = { v: 72, b: 2900, t: 700 }
  for (let taken = 0.01; taken <= 1; taken += 0.01) {
    const shown = { b: taken * x.b, t: taken * x.t }
    const kept = units({ v: x.v, b: x.b - shown.b, t: x.t - shown.t }, C)
    const beside = leasedUnits(shownIdle(x), shown, 0, false, C)
    expect(beside).toBeLessThanOrEqual(C.LEASED_FACTOR * units(x, C) + 1e-6)
    expect(kept + beside).toBeLessThanOrEqual(units(x, C) + 1e-5)
  }
})

test('a card that held back in every slot it is measured against gains a tenth at most', () => {
  const x = { v: 72, b: 2900, t: 700 }
  for (let held = 0.05; held <= 1; held += 0.05) {
    const less = shownIdle({ v: x.v, b: held * x.b, t: held * x.t })
    for (let taken = 0.05; taken <= 1; taken += 0.05) {
      const shown = { b: taken * less.gbps, t: taken * less.tops }
      const kept = units({ v: x.v, b: x.b - shown.b, t: x.t - shown.t }, C)
      const beside = leasedUnits(less, shown, 0, false, C)
      expect(kept + beside).toBeLessThanOrEqual(1.1 * units(x, C))
    }
  }
})

test('an honest device at the duty of leased proofs keeps all of LEASED_FACTOR, until its idle slots are old', () => {
  const x = { v: 72, b: 2900, t: 700 }
  const idle = shownIdle(x)
  const worth = (duty: number, ageDays = 0, isCpu = false): number =>
    leasedUnits(idle, { b: duty * x.b, t: duty * x.t }, ageDays, isCpu, C) / idle.units
  for (const duty of [C.LEASED_DUTY, 0.9, 1, 1.2]) {
    expect(worth(duty)).toBeCloseTo(C.LEASED_FACTOR, 5)
    expect(worth(duty, 7, true)).toBeCloseTo(C.LEASED_FACTOR, 5)
  }
  expect(worth(0.5)).toBeCloseTo(0.301, 3)
  expect(worth(C.LEASED_DUTY / 2, 0, true)).toBeCloseTo(C.LEASED_FACTOR / 2, 5)
  expect(worth(0.75, 17.5)).toBeCloseTo(C.LEASED_FACTOR / 2, 5)
  expect(worth(0.75, 28)).toBe(0)
})

test.each(Object.keys(slotNetworks) as (keyof typeof slotNetworks)[])(
  'on %s leased proofs work at the duty that scores count with',
  (network) => {
    const { duty } = slotNetworks[network].leased
    expect(Math.min(duty.residency, duty.gemm)).toBe(constantsOf(network).LEASED_DUTY)
  },
)

test('units never fall when memory, bandwidth or throughput rise', () => {
  for (let i = 0; i < 10_000; i++) {
    const x = card()
    const name = (['v', 'b', 't'] as const)[i % 3]!
    const more = { ...x, [name]: x[name] * (1 + random()) }
    if (units(more, C) < units(x, C)) expect(more).toBe(x)
  }
  expect(units({ v: 76, b: 2900, t: 800 }, C)).toBe(1)
})

const stake = () => BigInt(1 + Math.floor(random() * 1e9))
const sum = (all: readonly { stake: bigint }[]) => all.reduce((a, { stake: s }) => a + s, 0n)

test('less than half of active stake moves no count out of the honest range and forces no outcome', () => {
  for (let i = 0; i < 5000; i++) {
    const honest = Array.from({ length: 8 }, () => ({
      stake: stake(),
      value: 100 + Math.floor(random() * 10),
    }))
    const cabal = (sum(honest) * BigInt(Math.floor(random() * 99))) / 100n
    const bad = Array.from({ length: 3 }, () => ({
      stake: cabal / 3n,
      value: random() < 0.5 ? 0 : 1e9,
    }))
    const active = sum(honest) + sum(bad)
    const found = agree([...honest, ...bad], active, C.KAPPA)
    expect(found.outcome).toBe('ok')
    expect((found as { count: number }).count).toBeGreaterThanOrEqual(100)
    expect((found as { count: number }).count).toBeLessThan(110)
    expect(agree([...bad, ...honest.toReversed()], active, C.KAPPA)).toEqual(found)
    const silent = honest.map((word) => ({ ...word, value: 0 }))
    expect(agree([...silent, ...bad], active, C.KAPPA).outcome).toBe('failed')
    expect(agree(bad, active, C.KAPPA).outcome).toBe('unknown')
  }
})

test('absent stake never votes, and exactly half decides nothing', () => {
  expect(agree([{ stake: 5n, value: 7 }], 10n, 0.5)).toEqual({ outcome: 'unknown' })
  expect(agree([{ stake: 6n, value: 7 }], 10n, 0.5)).toEqual({ outcome: 'ok', count: 7 })
  expect(
    agree(
      [
        { stake: 2n ** 70n, value: 7 },
        { stake: 2n ** 70n + 1n, value: 0 },
      ],
      2n ** 71n + 1n,
      0.5,
    ),
  ).toEqual({ outcome: 'failed' })
})

const slot = (outcome: Outcome, worth = 1, at = 0): ScoredSlot => ({
  slot: at,
  outcome,
  mode: 'idle',
  units: outcome === 'ok' ? worth : 0,
  gib: 0,
  gbps: 0,
  tops: 0,
  reason: outcome === 'ok' ? 'OK' : 'SILENT',
})

test('one card that serves k identities by turns earns at most 1.11 of itself', () => {
  for (let i = 0; i < 1500; i++) {
    const k = 2 + Math.floor(random() * 6)
    const quiet: Outcome = random() < 0.5 ? 'failed' : 'unknown'
    const lists: ScoredSlot[][] = Array.from({ length: k }, () => [])
    for (let t = 0; t < C.WINDOW_SLOTS; t++) {
      const served = Math.floor(random() ** 2 * k)
      for (const [j, list] of lists.entries()) list.push(slot(j === served ? 'ok' : quiet))
    }
    const total = lists.reduce((all, list) => all + gpuScore(list, C).score, 0)
    expect(total).toBeLessThanOrEqual(1.11)
  }
})

test('an ok slot instead of a failed one never lowers a score', () => {
  for (let i = 0; i < 2000; i++) {
    const list = Array.from({ length: 1 + Math.floor(random() * 110) }, () =>
      slot(
        (['ok', 'failed', 'unknown', 'networkUnknown'] as const)[Math.floor(random() * 4)]!,
        0.5 + random(),
      ),
    )
    const failed = list.findLastIndex((s) => s.outcome === 'failed')
    if (failed < 0) continue
    const better = list.with(failed, slot('ok', 0.5))
    expect(gpuScore(better, C).score).toBeGreaterThanOrEqual(gpuScore(list, C).score)
  }
})

test('a slot that the network missed counts for nothing, in either direction', () => {
  const list = Array.from({ length: 50 }, (_, i) => slot(i % 5 === 0 ? 'failed' : 'ok'))
  const holes = list.flatMap((s, i) => (i % 7 === 0 ? [s, slot('networkUnknown')] : [s]))
  expect(gpuScore(holes, C).score).toBe(gpuScore(list, C).score)
})

test('burning alpha never returns what was burned', () => {
  const base = new Map([
    ['a', { rated: 8, burned: 0 }],
    ['b', { rated: 4, burned: 0 }],
  ])
  const emission = 1000
  const gainOf = (division: ReturnType<typeof minerWeights>) =>
    (division.weights.get('a')! /
      ([...division.weights.values()].reduce((x, y) => x + y) + division.burn)) *
    emission
  for (const target of [0, 5, 12, 1000]) {
    const c = { ...C, U_TARGET: target }
    for (let burned = 0; burned < 50; burned += 0.5) {
      const with_ = new Map(base).set('a', { rated: 8, burned })
      expect(
        gainOf(minerWeights(with_, emission, c)) - gainOf(minerWeights(base, emission, c)) - burned,
      ).toBeLessThanOrEqual(1e-3)
    }
  }
})

test('what is not earned is burned, and nothing is divided by zero', () => {
  expect(minerWeights(new Map([['a', { rated: 10, burned: 0 }]]), 1, C)).toEqual({
    weights: new Map([['a', 10]]),
    burn: 990,
  })
  expect(minerWeights(new Map(), 0, { ...C, U_TARGET: 0 })).toEqual({ weights: new Map(), burn: 0 })
  expect(
    minerWeights(new Map([['a', { rated: 3, burned: 0 }]]), 1, {
      ...C,
      U_TARGET: 0,
      BURN_MIN: 0.25,
    }).burn,
  ).toBe(1)
})

import { expect, test } from 'vitest'
import { type Card, earned, H100, RTX4090, reportOn, times } from '../../../support/shown-slots.ts'

const worth = (...cards: Card[]): number => earned(reportOn(times(32, cards)))
const pooled = (...cards: Card[]): Card =>
  cards.reduce((a, b) => ({ v: a.v + b.v, b: a.b + b.b, t: a.t + b.t }))

test('1.5 TB of host memory behind a 4090 earns less than the 4090', () => {
  const host = worth({ v: 1500, b: 400, t: RTX4090.t })
  expect(host / worth(H100)).toBeLessThan(0.3)
  expect(host).toBeLessThan(worth(RTX4090))
})

test('four 4090 as one card earn what four earn', () => {
  expect(worth(pooled(...times(4, RTX4090)))).toBeCloseTo(worth(...times(4, RTX4090)), 4)
})

test('cards of two kinds as one earn hardly more than two', () => {
  const kinds: Card[] = [
    H100,
    RTX4090,
    { v: 137, b: 4400, t: 800 }, // H200
    { v: 76, b: 1900, t: 560 }, // A100
    { v: 44, b: 800, t: 680 }, // L40S
    { v: 44, b: 720, t: 290 }, // A6000
  ]
  const gains = kinds.flatMap((a) => kinds.map((b) => worth(pooled(a, b)) / worth(a, b)))
  expect(Math.max(...gains)).toBeLessThanOrEqual(1.06)
  expect(Math.min(...gains)).toBeGreaterThan(0.999)
})

import { expect, test } from 'vitest'
import { runYuma } from '../../../src/chain/yuma/epoch.ts'
import { liquidAlpha } from '../../../src/chain/yuma/liquid-alpha.ts'
import { multiply, ONE, ratio, toU16 } from '../../../src/chain/yuma/proportion.ts'
import type { Row } from '../../../src/chain/yuma/state.ts'
import { yumaState } from '../../support/yuma-state.ts'

const liquid = { low: 6553, high: 58_982, steepness: 1000 }
/** What one validator's full bonds on two miners become under a row. */
const bondsFor = (weights: Row): Row =>
  runYuma(
    yumaState({
      stakes: [1, 0, 0],
      block: 10,
      weights: { 0: weights },
      bonds: [
        [
          [1, 65_535],
          [2, 65_535],
        ],
        [],
        [],
      ],
      parameters: { yuma3: true, liquidAlpha: liquid },
    }),
    1n,
  )[0]!.bonds

test('liquid alpha is low at consensus, high far from it, and between them on the way', () => {
  const alpha = liquidAlpha(liquid)
  const at = (distance: number): number => toU16(alpha(0, distance * ONE, 0))
  expect(at(0)).toBeLessThan(7000)
  expect(at(0.5)).toBeCloseTo((6553 + 58_982) / 2, -1)
  expect(at(1)).toBeGreaterThan(58_500)
  expect(alpha(0, 0, ONE)).toBe(alpha(0, ONE, 0)) // a bond to sell counts as a weight to buy
  expect(alpha(ONE, ONE / 2, 0)).toBe(alpha(0, 0, 0)) // below consensus is no distance
})

test('a row out of order is walked as the runtime walks it: alpha sees no weight behind a higher uid', () => {
  const sorted: Row = [
    [1, 20_000],
    [2, 40_000],
  ]
  const weight = (value: number): number => ratio(value, 60_000)
  const alpha = liquidAlpha(liquid)
  const sold = (seen: number, value: number): number => {
    const part = alpha(weight(value), seen, ONE)
    return toU16(multiply(ONE - part, ONE) + multiply(part, weight(value)))
  }
  expect(bondsFor(sorted)).toEqual([
    [1, sold(weight(20_000), 20_000)],
    [2, sold(weight(40_000), 40_000)],
  ])
  expect(bondsFor(sorted.toReversed())).toEqual([
    [2, sold(weight(40_000), 40_000)],
    [1, sold(0, 20_000)],
  ])
  expect(sold(0, 20_000)).toBeLessThan(sold(weight(20_000), 20_000))
})

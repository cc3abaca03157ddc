import { expect, test } from 'vitest'
import { fitRow, limitShares, normaliseWeights } from '../../src/chain/weights.ts'

test.each([
  [
    'the highest becomes 65535',
    [
      [0, 1],
      [1, 5],
    ],
    [
      [0, 13107],
      [1, 65535],
    ],
  ],
  [
    'zeros are dropped',
    [
      [3, 0],
      [1, 2],
    ],
    [[1, 65535]],
  ],
  [
    'a share that rounds to zero is dropped',
    [
      [0, 1e-9],
      [1, 1],
    ],
    [[1, 65535]],
  ],
  [
    'halves go to the even neighbour',
    [
      [0, 0.5 / 65535],
      [1, 1.5 / 65535],
      [2, 1],
    ],
    [
      [1, 2],
      [2, 65535],
    ],
  ],
  [
    'order is by uid',
    [
      [9, 1],
      [2, 1],
    ],
    [
      [2, 65535],
      [9, 65535],
    ],
  ],
  ['nothing above zero gives nothing', [[0, 0]], []],
  ['nothing gives nothing', [], []],
] as [string, [number, number][], [number, number][]][])('%s', (_, scores, row) => {
  expect(normaliseWeights(new Map(scores))).toEqual(row)
})

test.each([
  [-1, 1],
  [1.5, 1],
  [70_000, 1],
  [1, -1],
  [1, Number.NaN],
  [1, Number.POSITIVE_INFINITY],
])('uid %d with score %d is refused', (uid, score) => {
  expect(() => normaliseWeights(new Map([[uid, score]]))).toThrow()
})

// The figures that the official SDK's `normalize_max_weight` gives for the same input.
test.each([
  [[1, 1, 1, 10], 0.5, [0.1666667, 0.1666667, 0.1666667, 0.5]],
  [[5, 3, 1, 1], 0.3, [0.3, 0.3, 0.2, 0.2]],
  [[9, 8, 1, 1, 1, 1, 1], 0.2, [0.2, 0.2, 0.12, 0.12, 0.12, 0.12, 0.12]],
  [[3, 1], 0.5, [0.5, 0.5]],
  [[0, 0, 0], 0.5, [1 / 3, 1 / 3, 1 / 3]],
  [[2, 1, 1], 0.6, [0.5, 0.25, 0.25]],
])('shares %j under %d', (scores, limit, shares) => {
  const found = limitShares(scores, limit)
  for (const [i, share] of shares.entries()) expect(found[i]).toBeCloseTo(share, 5)
})

const limits = { neurons: 10, minWeights: 1, maxWeight: 65_535 }
const scores = (...list: number[]) => new Map(list.map((score, uid) => [uid, score] as const))

test('a row that is too short is padded with ones, in the order given', () => {
  const fitted = fitRow(new Map([[4, 2]]), { ...limits, minWeights: 3 }, [7, 4, 7, 2, 9])
  expect(fitted).toEqual([
    [2, 1],
    [4, 65_535],
    [7, 1],
  ])
  expect(fitRow(new Map([[4, 2]]), { ...limits, neurons: 1, minWeights: 99 })).toEqual([
    [4, 65_535],
  ])
  expect(fitRow(new Map([[4, 2]]), { ...limits, minWeights: 3 }, [7])).toContain('no fewer than 3')
})

test('a row keeps the greatest share in whole numbers, or it is said that it cannot', () => {
  const maxWeight = 20_000
  for (const row of [scores(9, 5, 1, 1), scores(100, 1, 1, 1, 1), scores(7, 7, 7, 7)]) {
    const fitted = fitRow(row, { ...limits, maxWeight })
    if (typeof fitted === 'string') throw new Error(fitted)
    const sum = fitted.reduce((all, [, weight]) => all + weight, 0)
    expect(Math.max(...fitted.map(([, weight]) => weight)) * 65_535).toBeLessThanOrEqual(
      maxWeight * sum,
    )
    expect(fitted[0]![1]).toBe(65_535)
  }
  expect(fitRow(scores(1, 1), { ...limits, maxWeight })).toContain('2 are too few')
  expect(fitRow(scores(0, 0), limits)).toBe('no score is above zero')
})

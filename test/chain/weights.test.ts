import { expect, test } from 'vitest'
import { normaliseWeights } from '../../src/chain/weights.ts'

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

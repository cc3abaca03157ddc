import { expect, test } from 'vitest'
import { filterRows, orderRows } from '../../src/node/row-query.ts'

const FIELDS = ['uid', 'stake', 'active', 'boundAt'] as const
const rows = [
  { uid: 0, stake: '9.5', active: true, boundAt: null },
  { uid: 1, stake: '10', active: false, boundAt: 7 },
  { uid: 2, stake: '9.5', active: true, boundAt: 12 },
]
const uids = (found: readonly { uid: number }[]) => found.map(({ uid }) => uid)

test.each<[string[], number[]]>([
  [[], [0, 1, 2]],
  [['stake>=10'], [1]],
  [
    ['stake<10', 'active=true'],
    [0, 2],
  ],
  [['boundAt=none'], [0]],
  [['BOUNDAT!=none'], [1, 2]],
  [['boundAt<=7', 'uid>0'], [1]],
])('%j keeps %j', (conditions, expected) => {
  expect(uids(filterRows(rows, conditions, FIELDS))).toEqual(expected)
})

test('figures are ordered by size, decimal text too, and equal rows keep their place', () => {
  expect(uids(orderRows(rows, '-stake,-uid', FIELDS))).toEqual([1, 2, 0])
  expect(uids(orderRows(rows, 'stake', FIELDS))).toEqual([0, 2, 1])
  expect(orderRows(rows, undefined, FIELDS)).toEqual(rows)
})

test('what is no field or no condition is said, with the nearest', () => {
  expect(() => filterRows(rows, ['stke=1'], FIELDS)).toThrow('did you mean stake?')
  expect(() => orderRows(rows, '-uidd', FIELDS)).toThrow('did you mean uid?')
  expect(() => filterRows(rows, ['stake'], FIELDS)).toThrow('is no condition')
})

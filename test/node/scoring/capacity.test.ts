import { expect, test } from 'vitest'
import { isMost, larger, shownBy } from '../../../src/node/scoring/capacity.ts'

test('most of a capacity is more than half of what was shown, whatever the number of names', () => {
  const capacity = [shownBy(0, 1), ...[1, 2, 3, 4].map((n) => shownBy(n, 0.25))]
  expect(isMost(capacity, (n) => n > 0)).toBe(false)
  expect(isMost(capacity, (n) => n === 0)).toBe(false)
  expect(isMost(capacity, (n) => n < 2)).toBe(true)
  expect(isMost([], () => true)).toBeUndefined()
})

test('sums are whole: the same in every order', () => {
  const shown = [0.1, 0.2, 0.3, 0.6].map((units, n) => shownBy(n, units))
  const isOne = (n: number): boolean => n < 3
  expect(isMost(shown, isOne)).toBe(false)
  expect(isMost(shown.toReversed(), isOne)).toBe(false)
})

test('the larger capacity is the one that showed more; of equal ones the second', () => {
  const [one, two, same] = [[shownBy(0, 1)], [shownBy(1, 1.5)], [shownBy(2, 1)]]
  expect(larger(one, two)).toBe(two)
  expect(larger(two, one)).toBe(two)
  expect(larger(one, same)).toBe(same)
})

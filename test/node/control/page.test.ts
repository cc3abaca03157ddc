import { expect, test } from 'vitest'
import { pageOf } from '../../../src/node/control/page.ts'

const key = (row: string): string => row

test('without a limit a list is whole, and pages add up to it', () => {
  const rows = ['a', 'b', 'c', 'd', 'e']
  expect(pageOf(rows, {}, key)).toEqual({ items: rows })
  const first = pageOf(rows, { limit: 2 }, key)
  const second = pageOf(rows, { limit: 2, cursor: first.next }, key)
  const third = pageOf(rows, { limit: 2, cursor: second.next }, key)
  expect([first.items, second.items, third.items]).toEqual([['a', 'b'], ['c', 'd'], ['e']])
  expect(third.next).toBeUndefined()
})

test('what comes and goes between two pages neither repeats nor hides others', () => {
  const { next } = pageOf(['a', 'b', 'c'], { limit: 2 }, key)
  expect(pageOf(['new', 'a', 'b', 'c'], { cursor: next }, key).items).toEqual(['c'])
  expect(pageOf(['a', 'c', 'd'], { cursor: next }, key).items).toEqual(['d']) // `b` is gone: its place counts
})

test('a cursor that no page gave is refused', () => {
  expect(() => pageOf(['a'], { cursor: 'nonsense' }, key)).toThrow(
    expect.objectContaining({ code: 'BAD_CONFIG_CURSOR' }),
  )
})

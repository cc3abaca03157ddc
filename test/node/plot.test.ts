import { expect, test } from 'vitest'
import { bar, sparkline } from '../../src/node/plot.ts'

test('a line of bars goes from the lowest to the highest value', () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 20)).toBe('▁▂▃▄▅▆▇█')
  expect(sparkline([5, 5, 5.001], 20)).toBe('▅▅▅')
  expect(sparkline([0, 0], 20)).toBe('▅▅')
  expect(sparkline([], 20)).toBe('')
})

test('more values than there is room for are thinned out, ends kept', () => {
  const line = sparkline([9, ...Array(98).fill(5), 1], 10)
  expect([...line]).toHaveLength(10)
  expect([line[0], line.at(-1)]).toEqual(['█', '▁'])
})

test('a share is a part of the bar, and never nothing when it is something', () => {
  expect([bar(0, 8), bar(0.001, 8), bar(0.5, 8), bar(1, 8), bar(2, 8)]).toEqual([
    '',
    '█',
    '████',
    '████████',
    '████████',
  ])
})

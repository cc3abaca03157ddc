import { expect, test } from 'vitest'
import { editDistance, nearest } from '../src/nearest.ts'

test.each([
  ['', '', 0],
  ['abc', 'abc', 0],
  ['abc', '', 3],
  ['kitten', 'sitting', 3],
  ['flaw', 'lawn', 2],
])('%s and %s are %i edits apart', (a, b, edits) => {
  expect(editDistance(a, b)).toBe(edits)
  expect(editDistance(b, a)).toBe(edits)
})

test('the nearest name is found, letters of either case', () => {
  expect(nearest('GPU_nam', ['gpu_name', 'gpu_ram'])).toBe('gpu_name')
})

test('nothing is suggested when nothing is near', () => {
  expect(nearest('zebra', ['gpu_name', 'dph'])).toBeUndefined()
  expect(nearest('zebra', [])).toBeUndefined()
})

import { expect, test } from 'vitest'
import { fittingColumns, leastWidthPx } from '../../src/console/ui/fitting-columns.ts'

const columns = [
  { key: 'name', width: 'minmax(170px, 2fr)' },
  { key: 'price', width: '100px', yields: 0 },
  { key: 'miner', width: '128px', yields: 2 },
  { key: 'score', width: '72px', yields: 1 },
]
const keysAt = (px: number, sortedBy?: string) =>
  fittingColumns(columns, px, sortedBy).map(({ key }) => key)

test('columns give way in their order, no more of them than must, and not the one that is sorted by', () => {
  const all = leastWidthPx(columns)
  expect(all).toBe(32 + 170 + 100 + 128 + 72 + 3 * 12)
  expect(keysAt(all)).toEqual(['name', 'price', 'miner', 'score'])
  expect(keysAt(all - 1)).toEqual(['name', 'price', 'score'])
  expect(keysAt(all - 141)).toEqual(['name', 'price'])
  expect(keysAt(all - 1, 'miner')).toEqual(['name', 'price', 'miner'])
  expect(keysAt(1)).toEqual(['name'])
})

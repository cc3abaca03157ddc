import { expect, test } from 'vitest'
import { shareOf } from '../../src/node/price.ts'

test.each([
  ['1.25', 8, 8, '1.25'],
  ['001.50', 1, 1, '1.5'],
  ['1', 1, 3, '0.333334'],
  ['0.000001', 1, 8, '0.000001'],
  ['10', 2, 4, '5'],
  ['0', 1, 2, '0'],
])('%s for %i of %i devices is %s', (whole, part, all, share) =>
  expect(shareOf(whole, part, all)).toBe(share),
)

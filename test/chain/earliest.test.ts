import { expect, test } from 'vitest'
import { type Claim, earliestOf } from '../../src/chain/earliest.ts'

const claim = (by: string, block: number, index: number | null): Claim => ({ by, block, index })

test.each<[string, Claim[], Claim]>([
  ['the earlier block', [claim('a', 9, 0), claim('b', 8, 7)], claim('b', 8, 7)],
  ['the earlier place in a block', [claim('a', 8, 3), claim('b', 8, 2)], claim('b', 8, 2)],
  ['the only one', [claim('a', 8, null)], claim('a', 8, null)],
  [
    'a replay counts as the first time',
    [claim('a', 20, 0), claim('b', 10, 0), claim('a', 5, 4)],
    claim('a', 5, 4),
  ],
  [
    'a replay within one block as well',
    [claim('a', 8, 9), claim('b', 8, 4), claim('a', 8, 1)],
    claim('a', 8, 1),
  ],
  [
    'an unknown place in a later block',
    [claim('a', 8, null), claim('b', 9, 0)],
    claim('a', 8, null),
  ],
  [
    'one whose place is known at least once',
    [claim('a', 8, null), claim('a', 8, 3)],
    claim('a', 8, 3),
  ],
])('%s wins', (_, claims, winner) => {
  for (const order of [claims, claims.toReversed()])
    expect(earliestOf(order)).toEqual({ kind: 'first', claim: winner })
})

test.each([
  ['a place that is not known', [claim('a', 8, null), claim('b', 8, 2)]],
  ['no place that is known', [claim('a', 8, null), claim('b', 8, null)]],
  ['one place of two', [claim('a', 8, 2), claim('b', 8, 2)]],
])('%s decides nothing', (_, claims) => {
  expect(earliestOf(claims)).toEqual({ kind: 'undecided', among: claims })
})

test('nothing is claimed by nobody', () => {
  expect(earliestOf([])).toEqual({ kind: 'none' })
})

import { expect, test } from 'vitest'
import { PUBLIC_CONSTANTS } from '../../../src/node/scoring/constants.ts'
import type { ReasonCode } from '../../../src/node/scoring/reason-codes.ts'
import { indexProofs } from '../../../src/node/scoring/suspension.ts'

const roundsPerSlot = 900
const day = (24 * 3600) / 3
const index = (slots: readonly number[], reason: ReasonCode = 'BAD_VALUE') =>
  indexProofs(
    {
      found: slots.map((slot) => ({ slot, miner: 'm', gpu: 'g', reason })),
      roundMs: 3000,
      roundsPerSlot,
    },
    PUBLIC_CONSTANTS,
  )
const within = 96 * roundsPerSlot

test.each<[string, readonly number[], number, boolean]>([
  ['two strikes', [1000, 2000], 2001, false],
  ['one slot three times', [1000, 1000, 1000], 1001, false],
  ['three strikes, in the slot of the third', [1000, 2000, 3000], 3000, false],
  ['three strikes, just after', [1000, 2000, 3000], 3001, true],
  ['three strikes in any order', [3000, 1000, 2000], 3001, true],
  ['three strikes, on the last day', [1000, 2000, 3000], 3000 + 7 * day, true],
  ['three strikes, after a week', [1000, 2000, 3000], 3001 + 7 * day, false],
  ['as many slots apart as count', [1000, 2000, 1000 + within], 1001 + within, true],
  ['too far apart', [1000, 2000, 1001 + within], 1002 + within, false],
])('%s', (_, slots, slot, suspended) => {
  expect(index(slots).isSuspended(slot, 'm', 'g')).toBe(suspended)
})

test('only false values are strikes, against the GPU that showed them alone', () => {
  expect(index([1, 2, 3], 'EQUIVOCATION').isSuspended(4, 'm', 'g')).toBe(false)
  expect(index([1, 2, 3]).isSuspended(4, 'm', 'h')).toBe(false)
  expect(index([1, 2, 3]).against(2, 'm', 'g')).toBe('BAD_VALUE')
  expect(index([1, 2, 3]).against(2, 'n', 'g')).toBeUndefined()
  expect(indexProofs(undefined, PUBLIC_CONSTANTS).isSuspended(4, 'm', 'g')).toBe(false)
})

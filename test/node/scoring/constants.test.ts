import { expect, test } from 'vitest'
import {
  checkedConstants,
  constantsHash,
  constantsOf,
  LOCAL_CONSTANTS,
  PUBLIC_CONSTANTS,
} from '../../../src/node/scoring/constants.ts'

test('the tables of all networks keep the rules', () => {
  expect(constantsOf('finney')).toBe(PUBLIC_CONSTANTS)
  expect(constantsOf('test')).toBe(PUBLIC_CONSTANTS)
  expect(constantsOf('local')).toBe(LOCAL_CONSTANTS)
})

test.each<[string, object, RegExp]>([
  ['exponents that sum to more than 1', { EXP_V: 0.5 }, /sum to 1/],
  ['a leased factor above its exponents', { LEASED_FACTOR: 0.7 }, /LEASED_FACTOR/],
  ['a bonus that pays for itself', { BONUS_RATE: 1 }, /BONUS_RATE/],
  ['a minority that decides', { KAPPA: 0.49 }, /KAPPA/],
  ['a ramp longer than the window', { RAMP_SLOTS: 97 }, /WINDOW_SLOTS/],
  ['a reliability that forgives', { RELIABILITY_EXP: 0.5 }, /RELIABILITY_EXP/],
  ['a number that is none', { U_TARGET: Number.NaN }, /must be a number/],
  ['all burned', { BURN_MIN: 1 }, /BURN_MIN/],
])('%s is refused at load', (_, change, why) =>
  expect(() => checkedConstants({ ...PUBLIC_CONSTANTS, ...change })).toThrow(why),
)

test('the hash tells tables apart and knows no order', () => {
  const backwards = Object.fromEntries(
    Object.entries(PUBLIC_CONSTANTS).toReversed(),
  ) as unknown as typeof PUBLIC_CONSTANTS
  expect(constantsHash(backwards)).toBe(constantsHash(PUBLIC_CONSTANTS))
  expect(constantsHash(LOCAL_CONSTANTS)).not.toBe(constantsHash(PUBLIC_CONSTANTS))
  expect(constantsHash(PUBLIC_CONSTANTS)).toMatch(/^[0-9a-f]{64}$/)
})

import { expect, test } from 'vitest'
import {
  type Account,
  advanceLimit,
  standingOf,
  unpaidOf,
  untilSuspendedMs,
} from '../../src/protocols/credit.ts'
import { termsOf } from '../support/lease.ts'
import { belowFrom } from '../support/random.ts'

/** One base unit per millisecond, ten seconds of credit, twenty in advance. */
const terms = termsOf({ creditMs: 10_000, graceMs: 5000, prepaidMs: 20_000 })
const account = (cumulative: number, acknowledged = 0, advance = 0): Account => ({
  cumulative: BigInt(cumulative),
  acknowledged: BigInt(acknowledged),
  advance: BigInt(advance),
})

test.each<[string, Account, string, number]>([
  ['nothing used', account(0), 'ACTIVE', 10_000],
  ['half of the credit', account(5000), 'ACTIVE', 5000],
  ['more than half', account(5001), 'GRACE', 4999],
  ['all of it', account(10_000), 'GRACE', 0],
  ['more than all', account(10_001), 'SUSPENDED', 0],
  ['countersigned', account(10_001, 10_001), 'ACTIVE', 10_000],
  ['countersigned late', account(20_000, 14_000), 'GRACE', 4000],
  ['covered in advance', account(20_000, 0, 20_000), 'ACTIVE', 10_000],
  ['past the advance', account(25_001, 0, 20_000), 'GRACE', 4999],
  ['far past the advance', account(30_001, 0, 20_000), 'SUSPENDED', 0],
  ['an advance that is overtaken', account(40_000, 40_000, 20_000), 'ACTIVE', 10_000],
])('%s', (_, money, state, leftMs) => {
  expect(standingOf(terms, money)).toBe(state)
  expect(untilSuspendedMs(terms, money)).toBe(leftMs)
})

test('terms without a limit, and what is free, never suspend', () => {
  expect(standingOf(termsOf(), account(50_000))).toBe('ACTIVE')
  expect(untilSuspendedMs(termsOf(), account(50_000))).toBeUndefined()
  const free = termsOf({ creditMs: 10_000, pricePerHour: '0', cap: '0' })
  expect(standingOf(free, account(0))).toBe('ACTIVE')
  expect(untilSuspendedMs(free, account(0))).toBeUndefined()
})

test('an advance covers the window from what was accepted, within the cap and the agreed time', () => {
  expect(advanceLimit(terms, 0)).toBe(20_000n)
  expect(advanceLimit(terms, 30_000)).toBe(50_000n)
  expect(advanceLimit(terms, 55_000)).toBe(60_000n)
  expect(advanceLimit({ ...terms, cap: '100' }, 0)).toBe(100n)
  expect(advanceLimit(termsOf(), 30_000)).toBe(0n)
})

test.each(Array.from({ length: 30 }, (_, run) => run))(
  'whatever was signed, a miner serves no more than credit beyond it (run %d)',
  (seed) => {
    const below = belowFrom(seed)
    const price = 1 + below(50_000_000)
    const mine = termsOf({ pricePerHour: String(price), creditMs: 1000 + below(600_000) })
    const credit = (BigInt(price) * BigInt(mine.creditMs!)) / 3_600_000n
    for (let step = 0; step < 50; step++) {
      const cumulative = below(10_000_000)
      const money = account(cumulative, below(cumulative + 1), below(10_000_000))
      const state = standingOf(mine, money)
      const unpaid = unpaidOf(money)
      expect(unpaid >= 0n).toBe(true)
      expect(state === 'SUSPENDED').toBe(unpaid > credit)
      expect(state === 'ACTIVE').toBe(2n * unpaid <= credit)
      const signedMore = { ...money, acknowledged: money.cumulative }
      expect(standingOf(mine, signedMore)).toBe('ACTIVE')
    }
  },
)

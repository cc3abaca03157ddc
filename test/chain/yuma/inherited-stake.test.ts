import { expect, test } from 'vitest'
import { countedStake } from '../../../src/chain/yuma/inherited-stake.ts'

const ALL = 2n ** 64n - 1n
const half = ALL / 2n
const alone = { alpha: 1000n, rootTao: 500n, children: [], parents: [] }

test('TAO of the root subnet counts by its weight', () => {
  expect(countedStake(alone, 0n)).toBe(1000n)
  expect(countedStake(alone, ALL)).toBe(1500n)
  expect(countedStake(alone, half)).toBe(1249n) // half of the greatest u64 is a hair below one half
})

test('a child takes from its parent what the parent gives, of alpha and TAO', () => {
  const parent = { ...alone, children: [half] }
  const child = { ...alone, alpha: 0n, rootTao: 0n, parents: [{ ...alone, share: half }] }
  expect(countedStake(parent, ALL)).toBe(500n + 250n)
  expect(countedStake(child, ALL)).toBe(499n + 249n)
})

test('who gives more than all keeps nothing', () => {
  expect(countedStake({ ...alone, children: [ALL, ALL] }, ALL)).toBe(0n)
})
